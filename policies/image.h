/* SPDX-License-Identifier: Apache-2.0 */
/* Image references in all the ways a glob may mean them. Private to policies/. */
#ifndef HOLDFAST_POLICIES_IMAGE_H
#define HOLDFAST_POLICIES_IMAGE_H

#include "policies/policies.h"

/* Bytes of a reference that is taken apart: name (255), tag (128) and digest fit; a longer one is matched as it is. */
#define POLICY_IMAGE_MAX 512
/* What expansion can add: "docker.io/library/", ":latest". */
#define POLICY_IMAGE_FORM_MAX (POLICY_IMAGE_MAX + 32)
/* As given, and three spellings of the name with four endings each. */
#define POLICY_IMAGE_FORMS 13

struct policy_image {
	const char *given;
	char form[POLICY_IMAGE_FORMS - 1][POLICY_IMAGE_FORM_MAX];
	size_t n;
};

/* Takes @image apart; @image must outlive @ret. Both strings may be NULL. */
void policy_image_expand(const char *image, const char *digest, struct policy_image *ret);

/* Does @pattern match any form? */
bool policy_image_matches(const struct policy_image *image, const char *pattern);

#endif
