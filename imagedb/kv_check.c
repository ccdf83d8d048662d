// SPDX-License-Identifier: Apache-2.0
/*
 * The check of a database file before LMDB maps it; see kv_check.h. Owns: the layout of LMDB 0.9 files on 64-bit
 * little-endian machines. Must not know: LMDB itself, what values mean.
 *
 * A page starts with its number, flags and the ends of its free middle; node offsets follow, the nodes lie packed at its end.
 */
#include "imagedb/kv_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "imagedb/util.h"

#define MAGIC		0xbeefc0deu
#define VERSION		1u
#define HEADS		2u	/* pages 0 and 1: the state before and after the last transaction */
#define NO_PAGE		UINT64_MAX
#define MAX_DEPTH	24u	/* LMDB's cursors hold 32 levels; two keys a page make 2^24 pages in fewer */
#define MAX_KEY		511u
#define MAX_PAGE_BYTES	32768u	/* LMDB's limit: offsets have 16 bits */

enum page_flags { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_HEAD = 8 };
enum { NODE_LONG = 1 };	/* the value lies in pages of its own */
enum { TREE_INTEGER_KEYS = 8, HEAD_FLAGS = 0x4000 /* MDB_NOSUBDIR */ };

struct page {
	uint64_t number;
	uint16_t pad, flags;
	union {
		struct {
			uint16_t lower, upper;
		};
		uint32_t long_pages;
	};
};

struct node {
	uint16_t low, high, flags, key_len;	/* low and high: length of the value; in a branch with flags a page number */
	uint8_t key[];
};

struct tree {
	uint32_t page_bytes;	/* in the first tree of a head only */
	uint16_t flags, depth;
	uint64_t branches, leaves, long_pages, entries, root;
};

struct head {
	struct page page;
	uint32_t magic, version;
	uint64_t address, map_bytes;
	struct tree trees[2];	/* free pages; the table */
	uint64_t last_page, txn;
};

_Static_assert(sizeof(struct page) == 16 && sizeof(struct node) == 8 && sizeof(struct tree) == 48, "as LMDB lays them out");
_Static_assert(offsetof(struct head, trees) == 40 && sizeof(struct head) == 152, "as LMDB lays it out");

struct key {
	bool set;
	size_t len;
	uint8_t bytes[MAX_KEY];
};

struct check {
	int fd;
	uint64_t file_bytes;
	uint32_t page_bytes;
	struct head head;
	uint8_t *seen;		/* a bit per page */
	uint8_t *levels;	/* a page per level */
	bool free_tree;		/* which of the two trees is walked */
	struct tree found;	/* its counts */
	struct key last;	/* greatest key so far */
	struct key floor;	/* what a branch says of the keys that follow */
	char *message;
};

/* --- small steps ------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static int damaged(struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->message, IMAGEDB_KV_CHECK_MESSAGE, format, args);
	va_end(args);
	return -EUCLEAN;
}

static int read_at(struct check *check, void *buf, size_t len, uint64_t offset)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(check->fd, (uint8_t *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return damaged(check, "it is cut off at %llu bytes", (unsigned long long)(offset + done));
		done += (size_t)n;
	}
	return 0;
}

/* Each page has one use. */
static int take_pages(struct check *check, uint64_t first, uint64_t n)
{
	uint64_t last = check->head.last_page;

	if (first < HEADS || first > last || n == 0 || n - 1 > last - first)
		return damaged(check, "page %llu lies outside of it", (unsigned long long)first);
	for (uint64_t page = first; page < first + n; page++) {
		uint8_t bit = (uint8_t)(1u << page % 8);

		if (check->seen[page / 8] & bit)
			return damaged(check, "page %llu is used twice", (unsigned long long)page);
		check->seen[page / 8] |= bit;
	}
	return 0;
}

static int read_page(struct check *check, uint64_t number, uint16_t flags, void *buf, size_t len)
{
	const struct page *page = buf;
	int r;

	if (number > check->head.last_page || (number + 1) * check->page_bytes > check->file_bytes)
		return damaged(check, "page %llu lies behind its end", (unsigned long long)number);
	r = read_at(check, buf, len, number * check->page_bytes);
	if (r < 0)
		return r;
	if (page->number != number || page->flags != flags)
		return damaged(check, "page %llu is another one", (unsigned long long)number);
	return 0;
}

static int compare(const struct check *check, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	uint64_t x, y;
	int r;

	if (check->free_tree) {
		memcpy(&x, a, sizeof(x));
		memcpy(&y, b, sizeof(y));
		return (x > y) - (x < y);
	}
	r = memcmp(a, b, a_len < b_len ? a_len : b_len);
	return r ? r : (a_len > b_len) - (a_len < b_len);
}

/* least: the smallest result that is in order. */
static bool in_order(const struct check *check, const struct key *before, const struct node *node, int least)
{
	int r;

	if (!before->set)
		return true;
	r = compare(check, node->key, node->key_len, before->bytes, before->len);
	return least ? r > 0 : r >= 0;
}

static void keep_key(struct key *key, const struct node *node)
{
	key->set = true;
	key->len = node->key_len;
	memcpy(key->bytes, node->key, node->key_len);
}

/* --- values ----------------------------------------------------------------------------------------------------- */

static size_t value_len(const struct node *node)
{
	return node->low | (size_t)node->high << 16;
}

static int check_long_value(struct check *check, uint64_t number, size_t len)
{
	uint64_t need = (sizeof(struct page) + len + check->page_bytes - 1) / check->page_bytes;
	struct page page;
	int r = read_page(check, number, PAGE_OVERFLOW, &page, sizeof(page));

	if (r < 0)
		return r;
	if (page.long_pages < need || (number + need) * check->page_bytes > check->file_bytes)
		return damaged(check, "the value in page %llu is cut off", (unsigned long long)number);
	check->found.long_pages += page.long_pages;
	return take_pages(check, number, page.long_pages);
}

/* A list of free pages: their count, then their numbers, descending. */
static int check_free_list(struct check *check, const uint64_t *list, size_t len)
{
	uint64_t n = len >= sizeof(*list) ? list[0] : UINT64_MAX;
	int r = 0;

	if (n > len / sizeof(*list) - 1)
		return damaged(check, "a list of free pages is cut off");
	for (uint64_t i = 1; r == 0 && i <= n; i++) {
		if (i > 1 && list[i] >= list[i - 1])
			return damaged(check, "a list of free pages is not in order");
		r = take_pages(check, list[i], 1);
	}
	return r;
}

static int read_free_list(struct check *check, const struct node *node, uint64_t number)
{
	_cleanup_(free_bytes) uint8_t *copy = malloc(value_len(node) + sizeof(uint64_t));
	int r = 0;

	if (!copy)
		return -ENOMEM;
	if (number == NO_PAGE)
		memcpy(copy, node->key + node->key_len, value_len(node));
	else
		r = read_at(check, copy, value_len(node), number * check->page_bytes + sizeof(struct page));
	return r == 0 ? check_free_list(check, (const uint64_t *)copy, value_len(node)) : r;
}

/* The node lies in its page. */
static int check_value(struct check *check, const struct node *node)
{
	uint64_t number = NO_PAGE;
	int r = 0;

	if (node->flags & NODE_LONG) {
		memcpy(&number, node->key + node->key_len, sizeof(number));
		r = check_long_value(check, number, value_len(node));
	}
	return r == 0 && check->free_tree ? read_free_list(check, node, number) : r;
}

/* --- pages of a tree -------------------------------------------------------------------------------------------- */

static size_t node_bytes(const struct page *page, const struct node *node)
{
	size_t bytes = sizeof(*node) + node->key_len;

	if (page->flags & PAGE_LEAF)
		bytes += node->flags & NODE_LONG ? sizeof(uint64_t) : value_len(node);
	return bytes + bytes % 2;
}

/* Where the node lies in its page. */
static size_t offset_of(const struct page *page, size_t i)
{
	return ((const uint16_t *)(page + 1))[i];
}

static bool is_key_sound(const struct check *check, const struct page *page, const struct node *node, size_t i)
{
	if (page->flags & PAGE_BRANCH && i == 0)
		return node->key_len <= MAX_KEY; /* never compared */
	if (page->flags & PAGE_LEAF && node->flags & ~NODE_LONG)
		return false;
	return check->free_tree ? node->key_len == sizeof(uint64_t) : node->key_len > 0 && node->key_len <= MAX_KEY;
}

/* Nodes fill the end of the page without gap or overlap; returns how many there are. */
static int check_nodes(struct check *check, const struct page *page, size_t *ret)
{
	uint8_t used[MAX_PAGE_BYTES / 2] = { 0 };	/* by two bytes */
	size_t n = (page->lower - sizeof(*page)) / sizeof(uint16_t), left = check->page_bytes - page->upper;

	if (page->lower < sizeof(*page) || page->lower % 2 || page->upper < page->lower || page->upper > check->page_bytes)
		return damaged(check, "page %llu has no sound header", (unsigned long long)page->number);
	for (size_t i = 0; i < n; i++) {
		size_t at = offset_of(page, i), bytes;
		const struct node *node = (const void *)((const uint8_t *)page + at);

		if (at < page->upper || at % 2 || at > check->page_bytes - sizeof(*node))
			return damaged(check, "a node of page %llu lies elsewhere", (unsigned long long)page->number);
		bytes = node_bytes(page, node);
		if (bytes > check->page_bytes - at || bytes > left || memchr(used + at / 2, 1, bytes / 2) ||
		    !is_key_sound(check, page, node, i))
			return damaged(check, "a node of page %llu is not sound", (unsigned long long)page->number);
		memset(used + at / 2, 1, bytes / 2);
		left -= bytes;
	}
	if (left > 0 || n < (page->flags & PAGE_BRANCH ? 2 : 1))
		return damaged(check, "page %llu is not full of nodes", (unsigned long long)page->number);
	*ret = n;
	return 0;
}

static const struct node *node_at(const struct page *page, size_t i)
{
	return (const void *)((const uint8_t *)page + offset_of(page, i));
}

static int check_leaf(struct check *check, const struct page *page, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct node *node = node_at(page, i);

		if (!in_order(check, &check->last, node, 1) || !in_order(check, &check->floor, node, 0))
			return damaged(check, "page %llu is not in order", (unsigned long long)page->number);
		keep_key(&check->last, node);
		r = check_value(check, node);
	}
	check->found.leaves++;
	check->found.entries += n;
	return r;
}

static int check_page(struct check *check, uint64_t number, size_t level, size_t depth);

static int check_branch(struct check *check, const struct page *page, size_t n, size_t level, size_t depth)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct node *node = node_at(page, i);

		if (i > 0 && (!in_order(check, &check->last, node, 1) || !in_order(check, &check->floor, node, 0)))
			return damaged(check, "page %llu is not in order", (unsigned long long)page->number);
		if (i > 0)
			keep_key(&check->floor, node);
		r = check_page(check, value_len(node) | (uint64_t)node->flags << 32, level + 1, depth);
	}
	check->found.branches++;
	return r;
}

/* Recursion is bounded by MAX_DEPTH, and each page is entered once. */
static int check_page(struct check *check, uint64_t number, size_t level, size_t depth)
{
	struct page *page = (void *)(check->levels + level * check->page_bytes);
	bool leaf = level + 1 == depth;
	size_t n;
	int r = take_pages(check, number, 1);

	if (r == 0)
		r = read_page(check, number, leaf ? PAGE_LEAF : PAGE_BRANCH, page, check->page_bytes);
	if (r == 0)
		r = check_nodes(check, page, &n);
	if (r < 0)
		return r;
	return leaf ? check_leaf(check, page, n) : check_branch(check, page, n, level, depth);
}

static int check_tree(struct check *check, const struct tree *tree)
{
	const struct tree *found = &check->found;
	int r;

	check->free_tree = tree == &check->head.trees[0];
	check->found = (struct tree){ 0 };
	check->last.set = check->floor.set = false;
	if (tree->flags & ~(check->free_tree ? TREE_INTEGER_KEYS | HEAD_FLAGS : 0) || tree->depth > MAX_DEPTH ||
	    (tree->root == NO_PAGE) != (tree->depth == 0))
		return damaged(check, "its head is not sound");
	r = tree->depth ? check_page(check, tree->root, 0, tree->depth) : 0;
	if (r < 0)
		return r;
	if (found->branches != tree->branches || found->leaves != tree->leaves || found->long_pages != tree->long_pages ||
	    found->entries != tree->entries)
		return damaged(check, "pages or entries are missing");
	return 0;
}

/* --- the file --------------------------------------------------------------------------------------------------- */

/* Reads both heads; the newer one counts. */
static int read_heads(struct check *check, uint64_t max_bytes)
{
	struct head heads[HEADS];
	uint32_t page_bytes = (uint32_t)sysconf(_SC_PAGESIZE);

	for (uint64_t i = 0; i < HEADS; i++) {
		int r = read_at(check, &heads[i], sizeof(heads[i]), i * page_bytes);

		if (r < 0)
			return r;
		if (heads[i].page.number != i || heads[i].page.flags != PAGE_HEAD || heads[i].magic != MAGIC)
			return damaged(check, "it is no database");
		if (heads[i].version != VERSION || heads[i].trees[0].page_bytes != page_bytes)
			return damaged(check, "it is a database of another kind");
		if (heads[i].last_page < HEADS - 1 || heads[i].last_page >= max_bytes / page_bytes || heads[i].address)
			return damaged(check, "its head is not sound");
	}
	check->head = heads[heads[0].txn < heads[1].txn];
	check->page_bytes = page_bytes;
	return page_bytes <= MAX_PAGE_BYTES ? 0 : damaged(check, "its pages are too large");
}

static int check_file(struct check *check, uint64_t max_bytes)
{
	int r = read_heads(check, max_bytes);

	if (r < 0)
		return r;
	check->seen = calloc(check->head.last_page / 8 + 1, 1);
	check->levels = malloc((size_t)MAX_DEPTH * check->page_bytes);
	if (!check->seen || !check->levels)
		return -ENOMEM;
	r = check_tree(check, &check->head.trees[0]);
	return r == 0 ? check_tree(check, &check->head.trees[1]) : r;
}

int imagedb_kv_check_fd(int fd, uint64_t max_bytes, char message[IMAGEDB_KV_CHECK_MESSAGE])
{
	struct check check = { .fd = fd, .message = message };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : damaged(&check, "it is no regular file");
	if (st.st_size == 0)
		return 0;
	check.file_bytes = (uint64_t)st.st_size;
	r = check_file(&check, max_bytes);
	free(check.seen);
	free(check.levels);
	return r;
}

int imagedb_kv_check(const char *path, uint64_t max_bytes, char message[IMAGEDB_KV_CHECK_MESSAGE])
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct check check = { .message = message };

	if (fd < 0 && (errno == ELOOP || errno == ENXIO))
		return damaged(&check, "it is no regular file");
	return fd < 0 ? -errno : imagedb_kv_check_fd(fd, max_bytes, message);
}
