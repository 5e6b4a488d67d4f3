/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_line.c - see audit_line.h.  Only lines that this file made are taken
 * apart here, at start; what is not exactly of that form is an error.
 */
#include "supervisor/audit_line.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/base/clock.h"
#include "supervisor/base/str.h"

#define HASH_HEX ((size_t)2 * AUDIT_HASH_SIZE)
#define SIG_HEX ((size_t)2 * AUDIT_SIG_SIZE)
#define PREV_KEY ",\"prev\":\""
#define HASH_KEY "\",\"hash\":\""
#define SIG_KEY "\",\"sig\":\""
#define LINE_END "\"}\n"
#define SEQ_KEY "{\"seq\":"
#define TYPE_KEY ",\"type\":\""

/* ---- writing --------------------------------------------------------- */

void
audit_put(struct audit_line *l, const char *fmt, ...)
{
	size_t room = sizeof(l->text) - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		l->is_full = true;
	else
		l->len += (size_t)n;
}

void
audit_put_escaped(struct audit_line *l, const char *value)
{
	for (const char *c = value; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte == '"' || byte == '\\')
			audit_put(l, "\\%c", byte);
		else if (byte < 0x20 || byte >= 0x7f)
			audit_put(l, "\\u%04x", byte);
		else if (l->len + 1 < sizeof(l->text))
			l->text[l->len++] = (char)byte;
		else
			l->is_full = true;
	}
}

void
audit_put_string(struct audit_line *l, const char *key, const char *value)
{
	audit_put(l, ",\"%s\":\"", key);
	audit_put_escaped(l, value);
	audit_put(l, "\"");
}

void
audit_put_u64(struct audit_line *l, const char *key, uint64_t value)
{
	/* A request may ask for more than a JSON reader's integers hold. */
	if (value > INT64_MAX)
		value = INT64_MAX;
	/* The first of an object has no comma before it. */
	audit_put(l, "%s\"%s\":%llu", l->text[l->len - 1] == '{' ? "" : ",",
		  key, (unsigned long long)value);
}

void
audit_put_hash(struct audit_line *l, const char *key, const uint8_t *hash)
{
	char hex[HASH_HEX + 1];

	if (hash == NULL) {
		audit_put(l, ",\"%s\":null", key);
		return;
	}
	str_hex(hex, hash, AUDIT_HASH_SIZE);
	audit_put(l, ",\"%s\":\"%s\"", key, hex);
}

void
audit_put_open(struct audit_line *l, const char *key, const struct audit *audit)
{
	const char *comma = "";

	audit_put(l, ",\"%s\":[", key);
	for (size_t i = 0; i < AUDIT_OPEN_MAX; i++) {
		if (audit->open[i][0] == '\0')
			continue;
		audit_put(l, "%s\"", comma);
		audit_put_escaped(l, audit->open[i]);
		audit_put(l, "\"");
		comma = ",";
	}
	audit_put(l, "]");
}

void
audit_line_begin(struct audit_line *l, const struct audit *audit,
		 const char *type)
{
	char now[CLOCK_ISO_SIZE];

	l->len = 0;
	l->is_full = false;
	clock_iso8601(clock_wall_us(), now);
	audit_put(l, SEQ_KEY "%llu,\"time\":\"%s\"" TYPE_KEY "%s\"",
		  (unsigned long long)audit->seq + 1, now, type);
}

/* ---- hashes ---------------------------------------------------------- */

void
audit_chain_hash(const uint8_t prev[AUDIT_HASH_SIZE], const char *body,
		 size_t len, uint8_t ret[AUDIT_HASH_SIZE])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, prev, AUDIT_HASH_SIZE);
	crypto_hash_sha256_update(&state, (const unsigned char *)body, len);
	crypto_hash_sha256_final(&state, ret);
}

static uint8_t *
put_le64(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		*at++ = (uint8_t)(value >> (8 * i));
	return at;
}

void
audit_signed_bytes(const uint8_t log_id[AUDIT_LOG_ID_SIZE], uint64_t file,
		   uint64_t seq, const uint8_t hash[AUDIT_HASH_SIZE],
		   uint8_t ret[AUDIT_SIGNED_SIZE])
{
	uint8_t *at = ret;

	at = mempcpy(at, AUDIT_SIGN_DOMAIN, sizeof(AUDIT_SIGN_DOMAIN) - 1);
	at = mempcpy(at, log_id, AUDIT_LOG_ID_SIZE);
	at = put_le64(at, file);
	at = put_le64(at, seq);
	(void)mempcpy(at, hash, AUDIT_HASH_SIZE);
}

/* ---- reading --------------------------------------------------------- */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
audit_parse_hex(const char *hex, size_t size, uint8_t *ret)
{
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(hex[2 * i]);
		int low = high < 0 ? -1 : hex_value(hex[2 * i + 1]);

		if (low < 0)
			return -1;
		ret[i] = (uint8_t)(high * 16 + low);
	}
	return 0;
}

static bool
has_text(const char *at, const char *text)
{
	return memcmp(at, text, strlen(text)) == 0;
}

/* The fixed end of a line: three hashes in hex, each after its key. */
static int
parse_tail(const char *tail, struct audit_found *f)
{
	const char *prev = tail + strlen(PREV_KEY);
	const char *hash = prev + HASH_HEX + strlen(HASH_KEY);
	const char *sig = hash + HASH_HEX + strlen(SIG_KEY);

	if (!has_text(tail, PREV_KEY) || !has_text(prev + HASH_HEX, HASH_KEY) ||
	    !has_text(hash + HASH_HEX, SIG_KEY) ||
	    !has_text(sig + SIG_HEX, LINE_END) ||
	    audit_parse_hex(prev, AUDIT_HASH_SIZE, f->prev) < 0 ||
	    audit_parse_hex(hash, AUDIT_HASH_SIZE, f->hash) < 0 ||
	    audit_parse_hex(sig, AUDIT_SIG_SIZE, f->sig) < 0)
		return -1;
	return 0;
}

static int
parse_start(const char *text, size_t len, struct audit_found *f)
{
	char number[24];
	const char *digits = text + strlen(SEQ_KEY), *type, *end;
	size_t n = 0;

	if (!has_text(text, SEQ_KEY))
		return -1;
	while (n < sizeof(number) - 1 && digits[n] >= '0' && digits[n] <= '9') {
		number[n] = digits[n];
		n++;
	}
	number[n] = '\0';
	type = memmem(text, len, TYPE_KEY, strlen(TYPE_KEY));
	if (str_to_u64(number, UINT64_MAX - 1, &f->seq) < 0 || type == NULL)
		return -1;
	type += strlen(TYPE_KEY);
	end = memchr(type, '"', len - (size_t)(type - text));
	if (end == NULL)
		return -1;
	f->type = type;
	f->type_len = (size_t)(end - type);
	return 0;
}

int
audit_line_parse(const char *text, size_t len, struct audit_found *ret,
		 struct err *e)
{
	const size_t tail = strlen(PREV_KEY) + HASH_HEX + strlen(HASH_KEY) +
			    HASH_HEX + strlen(SIG_KEY) + SIG_HEX +
			    strlen(LINE_END);
	const size_t body_end = strlen(PREV_KEY) + HASH_HEX + 1;
	struct audit_found f = {0};
	uint8_t hash[AUDIT_HASH_SIZE];

	if (len < tail + 32 || parse_tail(text + len - tail, &f) < 0 ||
	    parse_start(text, len - tail, &f) < 0)
		return err_set(e, ERR_INVALID, 0, "the record is malformed");
	audit_chain_hash(f.prev, text, len - tail + body_end, hash);
	if (sodium_memcmp(hash, f.hash, sizeof(hash)) != 0)
		return err_set(e, ERR_INVALID, 0,
			       "the record does not fit its hash");
	*ret = f;
	return 0;
}
