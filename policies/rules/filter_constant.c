// SPDX-License-Identifier: Apache-2.0
/*
 * Constants of conditions: numbers, ports, addresses, networks, bytes. Owns what is a number. Must not know operators'
 * meaning.
 *
 * Numbers are read as Falco reads them, by scanf's rules: decimal, a sign and blanks before are taken, what does not fit
 * 64 bits is the largest, and of that as many bits stay as the field has. Services have names of their own here rather
 * than those of /etc/services, so that a rule means the same on every machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policies/rules/filter_internal.h"
#include "policies/rules/filter_pattern.h"

#define SHOWN(node) ((int)((node)->len < 128 ? (node)->len : 128)), (node)->text

static const struct {
	const char *name;
	uint16_t port;
} services[] = {
	{ "echo", 7 },		 { "discard", 9 },	{ "daytime", 13 },	{ "ftp-data", 20 },	{ "ftp", 21 },
	{ "ssh", 22 },		 { "telnet", 23 },	{ "smtp", 25 },		{ "time", 37 },		{ "whois", 43 },
	{ "tacacs", 49 },	 { "domain", 53 },	{ "bootps", 67 },	{ "bootpc", 68 },	{ "tftp", 69 },
	{ "gopher", 70 },	 { "finger", 79 },	{ "http", 80 },		{ "www", 80 },		{ "kerberos", 88 },
	{ "pop2", 109 },	 { "pop3", 110 },	{ "sunrpc", 111 },	{ "portmapper", 111 },	{ "auth", 113 },
	{ "nntp", 119 },	 { "ntp", 123 },	{ "netbios-ns", 137 },	{ "netbios-dgm", 138 }, { "netbios-ssn", 139 },
	{ "imap", 143 },	 { "imap2", 143 },	{ "snmp", 161 },	{ "snmp-trap", 162 },	{ "xdmcp", 177 },
	{ "bgp", 179 },		 { "irc", 194 },	{ "ldap", 389 },	{ "https", 443 },	{ "microsoft-ds", 445 },
	{ "kpasswd", 464 },	 { "submissions", 465 }, { "isakmp", 500 },	{ "exec", 512 },	{ "login", 513 },
	{ "shell", 514 },	 { "syslog", 514 },	{ "printer", 515 },	{ "rtsp", 554 },	{ "nntps", 563 },
	{ "submission", 587 },	 { "ipp", 631 },	{ "ldaps", 636 },	{ "domain-s", 853 },	{ "rsync", 873 },
	{ "ftps-data", 989 },	 { "ftps", 990 },	{ "telnets", 992 },	{ "imaps", 993 },	{ "pop3s", 995 },
	{ "socks", 1080 },	 { "openvpn", 1194 },	{ "ms-sql-s", 1433 },	{ "ms-sql-m", 1434 },	{ "radius", 1812 },
	{ "nfs", 2049 },	 { "cvspserver", 2401 }, { "mysql", 3306 },	{ "rdp", 3389 },	{ "svn", 3690 },
	{ "sip", 5060 },	 { "sip-tls", 5061 },	{ "xmpp-client", 5222 }, { "xmpp-server", 5269 }, { "mdns", 5353 },
	{ "postgresql", 5432 },	 { "amqp", 5672 },	{ "amqps", 5671 },	{ "vnc", 5900 },	{ "x11", 6000 },
	{ "redis", 6379 },	 { "http-alt", 8080 },	{ "puppet", 8140 },	{ "git", 9418 },	{ "zabbix-agent", 10050 },
};

static int fail_number(struct rule_compiler *c, const struct rule_node *node)
{
	return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "%.*s is not a valid number", SHOWN(node));
}

static uint64_t cut(uint64_t number, uint8_t bits)
{
	return bits >= 64 ? number : number & ((1ULL << bits) - 1);
}

static int parse_unsigned(struct rule_compiler *c, const struct rule_node *node, uint8_t bits, struct rule_value *ret)
{
	char *end;
	uint64_t number;

	errno = 0;
	number = strtoull(node->text, &end, 10);
	if (end == node->text || end != node->text + node->len)
		return fail_number(c, node);
	ret->kind = RULE_VALUE_UNSIGNED;
	ret->count = cut(number, bits);
	return 0;
}

static int parse_signed(struct rule_compiler *c, const struct rule_node *node, uint8_t bits, struct rule_value *ret)
{
	unsigned shift = bits >= 64 ? 0 : 64 - bits;
	char *end;
	int64_t number;

	errno = 0;
	number = strtoll(node->text, &end, 10);
	if (end == node->text || end != node->text + node->len)
		return fail_number(c, node);
	ret->kind = RULE_VALUE_SIGNED;
	ret->number = (int64_t)((uint64_t)number << shift) >> shift;
	return 0;
}

static int parse_port(struct rule_compiler *c, const struct rule_node *node, struct rule_value *ret)
{
	ret->kind = RULE_VALUE_UNSIGNED;
	ret->count = 0;
	if (strspn(node->text, "0123456789") == node->len) {
		uint64_t number = strtoull(node->text, NULL, 10);

		if (number > INT32_MAX)
			return fail_number(c, node);
		ret->count = cut(number, 16);
		return 0;
	}
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
		if (strcmp(services[i].name, node->text) == 0) {
			ret->count = services[i].port;
			return 0;
		}
	}
	return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "unrecognized protocol %.*s", SHOWN(node));
}

static int parse_bool(struct rule_compiler *c, const struct rule_node *node, struct rule_value *ret)
{
	bool truth = strcmp(node->text, "true") == 0;

	if (!truth && strcmp(node->text, "false") != 0)
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset,
					 "filter error: unrecognized boolean value %.*s", SHOWN(node));
	ret->kind = RULE_VALUE_BOOL;
	ret->truth = truth;
	return 0;
}

static bool read_address(const char *text, struct rule_value *ret)
{
	bool six = strchr(text, ':') != NULL;

	ret->kind = RULE_VALUE_ADDRESS;
	ret->n = six ? 16 : 4;
	return inet_pton(six ? AF_INET6 : AF_INET, text, ret->address) == 1;
}

static int parse_address(struct rule_compiler *c, const struct rule_node *node, struct rule_value *ret)
{
	if (strlen(node->text) == node->len && read_address(node->text, ret))
		return 0;
	return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "unrecognized %s address %.*s",
				 strchr(node->text, '.') ? "IPv4" : "IPv6", SHOWN(node));
}

/* Bits behind the prefix are no part of a network. */
static void mask_address(struct rule_value *value, unsigned bits)
{
	for (unsigned i = 0; i < value->n; i++) {
		unsigned kept = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;

		value->address[i] &= (uint8_t)(0xff00u >> kept);
	}
}

static int parse_net(struct rule_compiler *c, const struct rule_node *node, struct rule_constant *ret)
{
	const char *slash = strchr(node->text, '/');
	char address[INET6_ADDRSTRLEN];
	size_t n = slash ? (size_t)(slash - node->text) : 0;
	unsigned long bits;
	char *end;

	if (!slash || n >= sizeof(address) || strlen(node->text) != node->len)
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "unrecognized IP network %.*s", SHOWN(node));
	memcpy(address, node->text, n);
	address[n] = '\0';
	if (!read_address(address, &ret->value))
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "unrecognized IP address %.*s", SHOWN(node));
	bits = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || strspn(slash + 1, "0123456789") != strlen(slash + 1) || bits > 8 * ret->value.n)
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "invalid netmask %.64s", slash + 1);
	ret->prefix_bits = (uint8_t)bits;
	mask_address(&ret->value, (unsigned)bits);
	return 0;
}

static int parse_text(struct rule_compiler *c, const char *text, size_t len, struct rule_value *ret)
{
	ret->kind = RULE_VALUE_TEXT;
	ret->n = (uint32_t)len;
	ret->text = policy_arena_copy(c->program->arena, text, len);
	return ret->text ? 0 : -ENOMEM;
}

static int hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int parse_hex(struct rule_compiler *c, const struct rule_node *node, struct rule_value *ret)
{
	uint8_t *bytes = policy_arena_alloc(c->program->arena, node->len / 2 + 1, 1);
	bool wrong = node->len % 2 != 0;

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < node->len && !wrong; i += 2) {
		int high = hex_digit(node->text[i]), low = hex_digit(node->text[i + 1]);

		wrong = high < 0 || low < 0;
		bytes[i / 2] = wrong ? 0 : (uint8_t)(high << 4 | low);
	}
	if (wrong)
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset, "'%.*s' is not a hexadecimal string", SHOWN(node));
	ret->kind = RULE_VALUE_TEXT;
	ret->n = (uint32_t)(node->len / 2);
	ret->text = (const char *)bytes;
	return 0;
}

static int parse_string(struct rule_compiler *c, enum rule_operator operator, const struct rule_node *node,
			struct rule_constant *ret)
{
	int err;

	if (memchr(node->text, '\0', node->len))
		return rule_compile_fail(c->err, RULE_FILTER_INVALID, node->offset,
					 "a string value cannot hold the byte 0; only byte buffers have it");
	err = parse_text(c, node->text, node->len, &ret->value);
	if (err < 0)
		return err;
	if (operator == RULE_OP_REGEX)
		return rule_pattern_regex(c, node, &ret->pattern);
	if (operator == RULE_OP_GLOB || operator == RULE_OP_IGLOB)
		return rule_pattern_glob(c, node, operator == RULE_OP_IGLOB, &ret->pattern);
	return 0;
}

int rule_compile_constant(struct rule_compiler *c, enum rule_type type, uint8_t bits, enum rule_operator operator,
			  const struct rule_node *node, struct rule_constant *ret)
{
	switch (type) {
	case RULE_TYPE_BOOL:
		return parse_bool(c, node, &ret->value);
	case RULE_TYPE_SIGNED:
		return parse_signed(c, node, bits, &ret->value);
	case RULE_TYPE_UNSIGNED:
	case RULE_TYPE_TIME:
	case RULE_TYPE_DURATION:
		return parse_unsigned(c, node, bits, &ret->value);
	case RULE_TYPE_PORT:
		return parse_port(c, node, &ret->value);
	case RULE_TYPE_STRING:
	case RULE_TYPE_PATH:
		return parse_string(c, operator, node, ret);
	case RULE_TYPE_BYTES:
		if (operator == RULE_OP_BCONTAINS || operator == RULE_OP_BSTARTSWITH)
			return parse_hex(c, node, &ret->value);
		return parse_text(c, node->text, node->len, &ret->value);
	case RULE_TYPE_ADDRESS:
		return parse_address(c, node, &ret->value);
	case RULE_TYPE_NET:
		return parse_net(c, node, ret);
	default:
		return -EINVAL;
	}
}
