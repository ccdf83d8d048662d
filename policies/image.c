// SPDX-License-Identifier: Apache-2.0
/*
 * Image references. Runtimes name one image in several ways (short or full name, tag, digest, both), so a glob is
 * tried on each of them. The grammar is that of the distribution project's reference format. Must not know policies.
 */
#include "policies/image.h"

#include <stdio.h>
#include <string.h>

#define DOCKER_HOST "docker.io"
#define DOCKER_LIBRARY "library/"
/* Digits of a SHA-256 in hexadecimal: an image id rather than a name. */
#define ID_DIGITS 64

/* A reference cut into its parts; each points into the text and has its own length. */
struct reference {
	const char *host, *name, *tag, *digest;
	size_t host_len, name_len, tag_len;
	bool docker;
};

static bool is_image_id(const char *image)
{
	const char *digits = strncmp(image, "sha256:", 7) == 0 ? image + 7 : image;

	return strlen(digits) == ID_DIGITS && strspn(digits, "0123456789abcdef") == ID_DIGITS;
}

/* A first component with a dot or a port, or "localhost", is a registry; otherwise the name starts there. */
static size_t find_host(const char *image, size_t len)
{
	const char *slash = memchr(image, '/', len);
	size_t n = slash ? (size_t)(slash - image) : 0;

	if (n == 0)
		return 0;
	if (memchr(image, '.', n) || memchr(image, ':', n) || (n == 9 && memcmp(image, "localhost", 9) == 0))
		return n;
	return 0;
}

static bool is_host(const struct reference *ref, const char *host)
{
	return ref->host_len == strlen(host) && memcmp(ref->host, host, ref->host_len) == 0;
}

static void split_reference(const char *image, struct reference *ref)
{
	const char *at = strchr(image, '@');
	size_t len = at ? (size_t)(at - image) : strlen(image);
	const char *colon, *slash;

	*ref = (struct reference){ .host = image, .digest = at ? at + 1 : NULL };
	ref->host_len = find_host(image, len);
	ref->name = image + ref->host_len + (ref->host_len > 0);
	ref->name_len = len - (size_t)(ref->name - image);
	colon = memrchr(ref->name, ':', ref->name_len);
	slash = memrchr(ref->name, '/', ref->name_len);
	if (colon && (!slash || colon > slash)) {
		ref->tag = colon + 1;
		ref->tag_len = ref->name_len - (size_t)(colon - ref->name) - 1;
		ref->name_len = (size_t)(colon - ref->name);
	}
	ref->docker = ref->host_len == 0 || is_host(ref, DOCKER_HOST) || is_host(ref, "index." DOCKER_HOST);
	if (ref->docker && ref->name_len > strlen(DOCKER_LIBRARY) &&
	    memcmp(ref->name, DOCKER_LIBRARY, strlen(DOCKER_LIBRARY)) == 0) {
		ref->name += strlen(DOCKER_LIBRARY);
		ref->name_len -= strlen(DOCKER_LIBRARY);
	}
}

static void add_form(struct policy_image *ret, const char *name, const char *tag, size_t tag_len, const char *digest)
{
	snprintf(ret->form[ret->n++], POLICY_IMAGE_FORM_MAX, "%s%s%.*s%s%s", name, tag ? ":" : "", (int)tag_len,
		 tag ? tag : "", digest ? "@" : "", digest ? digest : "");
}

/* The endings under which a glob may look for @name: none stands for every version. */
static void add_endings(struct policy_image *ret, const char *name, const struct reference *ref, const char *digest)
{
	const char *tag = ref->tag;
	size_t tag_len = ref->tag_len;

	/* No tag means "latest", but a digest alone stands under no tag that we know. */
	if (!tag) {
		tag = ref->digest ? "" : "latest";
		tag_len = strlen(tag);
	}
	add_form(ret, name, NULL, 0, NULL);
	add_form(ret, name, tag, tag_len, NULL);
	if (!digest)
		return;
	add_form(ret, name, NULL, 0, digest);
	add_form(ret, name, tag, tag_len, digest);
}

void policy_image_expand(const char *image, const char *digest, struct policy_image *ret)
{
	char name[POLICY_IMAGE_FORM_MAX];
	struct reference ref;

	ret->given = image ? image : "";
	ret->n = 0;
	if (!*ret->given || strlen(ret->given) + (digest ? strlen(digest) : 0) >= POLICY_IMAGE_MAX ||
	    is_image_id(ret->given))
		return;
	split_reference(image, &ref);
	if (ref.digest)
		digest = ref.digest;
	snprintf(name, sizeof(name), "%.*s%s%.*s", (int)ref.host_len, ref.host, ref.host_len ? "/" : "",
		 (int)ref.name_len, ref.name);
	add_endings(ret, name, &ref, digest);
	if (!ref.docker)
		return;
	snprintf(name, sizeof(name), "%s/%s%.*s", DOCKER_HOST,
		 memchr(ref.name, '/', ref.name_len) ? "" : DOCKER_LIBRARY, (int)ref.name_len, ref.name);
	add_endings(ret, name, &ref, digest);
	snprintf(name, sizeof(name), "%.*s", (int)ref.name_len, ref.name);
	add_endings(ret, name, &ref, digest);
}

bool policy_image_matches(const struct policy_image *image, const char *pattern)
{
	if (policy_glob_match(pattern, image->given, false))
		return true;
	for (size_t i = 0; i < image->n; i++) {
		if (policy_glob_match(pattern, image->form[i], false))
			return true;
	}
	return false;
}

bool policy_image_match(const char *pattern, const char *image, const char *digest)
{
	struct policy_image forms;

	policy_image_expand(image, digest, &forms);
	return policy_image_matches(&forms, pattern);
}
