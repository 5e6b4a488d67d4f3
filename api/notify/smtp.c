/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp.c - mail to the addresses of HITL_EMAIL_TO, one delivery each.  The
 * subject is RFC 2047, the body base64, so no byte of anybody's text can begin
 * a line of the message.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/notify/channel.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

/* A line of base64, and what an encoded word of a header may hold. */
#define LINE_BYTES 57
#define WORD_BYTES 39

static bool
recipient(const struct api_config *config, const struct notify_event *event,
	  size_t i, char to[NOTIFY_TO_SIZE])
{
	bool is_escalated = event->kind == NOTIFY_APPROVAL_ESCALATED &&
			    config->escalation_email_to[0] != '\0';
	const char *p =
		is_escalated ? config->escalation_email_to : config->email_to;

	if (!config->email_enabled || config->smtp_host[0] == '\0')
		return false;
	for (;; i--) {
		size_t len;

		p += strspn(p, ", \t");
		len = strcspn(p, ", \t");
		if (len == 0)
			return false;
		if (i == 0) {
			memcpy(to, p, len);
			to[len] = '\0';
			return true;
		}
		p += len;
	}
}

static int
compose(const struct api *api, const struct notify_event *event,
	const char *delivery_id, json_t *document, struct err *e)
{
	owned_mem char *subject = notify_subject(event);
	owned_mem char *text = notify_text(api, event);

	(void)delivery_id;
	if (subject == NULL || text == NULL ||
	    json_object_set_new(document, "subject", json_string(subject)) <
		    0 ||
	    json_object_set_new(document, "payload", json_string(text)) < 0)
		return err_set(e, ERR_INVALID, 0, "the text is not UTF-8");
	return 0;
}

/* ---- the message ----------------------------------------------------- */

static void
put_base64(FILE *out, const char *bytes, size_t len)
{
	char text[2 * LINE_BYTES];

	sodium_bin2base64(text, sizeof(text), (const unsigned char *)bytes, len,
			  sodium_base64_VARIANT_ORIGINAL);
	fputs(text, out);
}

/* At most max bytes of text, not ending within a character. */
static size_t
cut(const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len <= max)
		return len;
	for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
		len--;
	return len > 0 ? len : max;
}

/* Encoded words, folded: each is a line of its own. */
static void
put_subject(FILE *out, const char *subject)
{
	fputs("Subject:", out);
	while (*subject != '\0') {
		size_t len = cut(subject, WORD_BYTES);

		fputs(" =?utf-8?B?", out);
		put_base64(out, subject, len);
		fputs("?=\r\n", out);
		subject += len;
	}
}

static void
put_body(FILE *out, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t len = left < LINE_BYTES ? left : LINE_BYTES;

		put_base64(out, text, len);
		fputs("\r\n", out);
		text += len;
		left -= len;
	}
}

static void
put_date(FILE *out)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed",
					   "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
					     "May", "Jun", "Jul", "Aug",
					     "Sep", "Oct", "Nov", "Dec"};
	time_t now = (time_t)(clock_wall_us() / 1000000u);
	struct tm tm = {0};

	(void)gmtime_r(&now, &tm);
	fprintf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n",
		days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static char *
message(const struct api_config *config, const struct store_delivery *d,
	const char *to, const char *subject, const char *text)
{
	const char *domain = strrchr(config->email_from, '@');
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	if (out == NULL)
		return NULL;
	fprintf(out, "From: PromptCraft <%s>\r\nTo: <%s>\r\n",
		config->email_from, to);
	put_subject(out, subject);
	put_date(out);
	fprintf(out,
		"Message-ID: <%s%s>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"X-PromptCraft-Delivery: %s\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n",
		d->delivery_id, domain != NULL ? domain : "@promptcraft",
		d->delivery_id);
	put_body(out, text);
	if (fclose(out) != 0) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

/* ---- the request ----------------------------------------------------- */

static enum net_mail_security
security_of(const char *word)
{
	static const struct {
		const char *word;
		enum net_mail_security security;
	} words[] = {
		{"starttls", NET_MAIL_STARTTLS},
		{"opportunistic", NET_MAIL_OPPORTUNISTIC},
		{"tls", NET_MAIL_TLS},
		{"none", NET_MAIL_PLAIN},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].security;
	return NET_MAIL_STARTTLS;
}

static int
request(const struct api *api, const struct store_delivery *d,
	const json_t *document, struct notify_send *send, struct err *e)
{
	const struct api_config *config = &api->config;
	const char *to = json_string_value(json_object_get(document, "to"));
	const char *subject =
		json_string_value(json_object_get(document, "subject"));
	const char *text =
		json_string_value(json_object_get(document, "payload"));

	if (!config->email_enabled || config->smtp_host[0] == '\0' ||
	    to == NULL || subject == NULL || text == NULL)
		return err_set(e, ERR_DENIED, 0,
			       "HITL_EMAIL_SMTP_HOST: mail is switched off");
	send->body = message(config, d, to, subject, text);
	if (send->body == NULL)
		return err_set(e, ERR_IO, ENOMEM, "write a mail");
	send->mail = (struct net_mail){
		.host = config->smtp_host,
		.port = config->smtp_port,
		.security = security_of(config->smtp_security),
		.user = config->smtp_user[0] != '\0' ? config->smtp_user : NULL,
		.password = config->smtp_password,
		.from = config->email_from,
		.to = to,
	};
	send->request.name = "HITL_EMAIL_SMTP_HOST";
	send->request.trust = NET_OPERATOR;
	send->request.mail = &send->mail;
	send->request.body = send->body;
	send->request.body_len = strlen(send->body);
	return 0;
}

const struct notify_channel notify_mail = {
	.name = "mail",
	.option = "email",
	.kinds = NOTIFY_ALL,
	.recipient = recipient,
	.compose = compose,
	.request = request,
};
