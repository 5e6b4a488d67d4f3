/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - whether the settings of notifications make sense together, and
 * the key that signs webhooks.
 */
#include <sodium.h>
#include <string.h>

#include "api/net/net.h"
#include "api/net/url.h"
#include "api/notify/channel.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define SECRET_SETTING "webhook_secret"
#define SECRET_MIN_BYTES 32
#define ADDRESS_MAX 254
#define ADDRESSES_MAX 16

/*
 * One of plain mailboxes: nothing that a header or a command could be cut at.
 */
static bool
is_address(const char *text, size_t len)
{
	const char *at = memchr(text, '@', len);

	if (len > ADDRESS_MAX || at == NULL || at == text ||
	    at + 1 == text + len ||
	    memchr(at + 1, '@', (size_t)(text + len - at - 1)) != NULL)
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' ||
		    strchr("\"(),:;<>[\\]", text[i]) != NULL)
			return false;
	return true;
}

static int
check_addresses(const char *setting, const char *text, size_t max,
		struct err *e)
{
	size_t count = 0;

	for (const char *p = text;;) {
		size_t len;

		p += strspn(p, ", \t");
		len = strcspn(p, ", \t");
		if (len == 0)
			break;
		if (++count > max || !is_address(p, len))
			return err_set(e, ERR_INVALID, 0,
				       "%s: must be 1 to %zu mail addresses "
				       "such as name@example.org",
				       setting, max);
		p += len;
	}
	if (count == 0)
		return err_set(e, ERR_INVALID, 0,
			       "%s: must be set where HITL_EMAIL_SMTP_HOST is",
			       setting);
	return 0;
}

static bool
is_host(const char *host)
{
	return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			    "XYZ0123456789-_.:") == strlen(host);
}

static int
check_mail(const struct api_config *config, struct err *e)
{
	bool is_encrypted = strcmp(config->smtp_security, "starttls") == 0 ||
			    strcmp(config->smtp_security, "tls") == 0;

	if (config->smtp_host[0] == '\0')
		return 0;
	if (!is_host(config->smtp_host))
		return err_set(e, ERR_INVALID, 0,
			       "HITL_EMAIL_SMTP_HOST: must be a host name or "
			       "an address");
	if (config->smtp_user[0] != '\0' && !is_encrypted)
		return err_set(e, ERR_INVALID, 0,
			       "HITL_EMAIL_SMTP_SECURITY: must be starttls or "
			       "tls, or the password could be read on its "
			       "way");
	if (check_addresses("HITL_EMAIL_FROM", config->email_from, 1, e) < 0)
		return -1;
	if (config->escalation_email_to[0] != '\0' &&
	    check_addresses("APPROVAL_ESCALATION_EMAIL_TO",
			    config->escalation_email_to, ADDRESSES_MAX, e) < 0)
		return -1;
	return check_addresses("HITL_EMAIL_TO", config->email_to, ADDRESSES_MAX,
			       e);
}

int
notify_check_settings(const struct api_config *config, struct err *e)
{
	struct net_url url;
	size_t len = strlen(config->webhook_secret);

	if (len > 0 && len < SECRET_MIN_BYTES)
		return err_set(e, ERR_INVALID, 0,
			       "PROMPTCRAFT_WEBHOOK_SECRET: must have at "
			       "least %d bytes; unset it to have one "
			       "generated",
			       SECRET_MIN_BYTES);
	if (config->public_url[0] != '\0' &&
	    net_url_parse("PROMPTCRAFT_PUBLIC_URL", config->public_url, &url,
			  e) < 0)
		return -1;
	return check_mail(config, e);
}

/* ---- the key --------------------------------------------------------- */

int
notify_ensure_secret(struct api_config *config, struct store *store,
		     struct err *e)
{
	owned_mem char *value = NULL;

	if (config->webhook_secret[0] != '\0')
		return 0;
	if (store_secret(store, SECRET_SETTING, &value, e) < 0)
		return err_wrap(e, "the webhook secret");
	if (strlen(value) < SECRET_MIN_BYTES ||
	    str_copy(config->webhook_secret, sizeof(config->webhook_secret),
		     value) < 0)
		return err_set(e, ERR_IO, 0,
			       "the stored webhook secret is damaged");
	sodium_memzero(value, strlen(value));
	return 0;
}

/* ---- what clients and admins meet ------------------------------------ */

int
notify_check_client_webhook(const struct api *api, const char *name,
			    const char *url, struct err *e)
{
	if (!api->config.webhook_enabled)
		return err_set(e, ERR_INVALID, 0,
			       "%s: webhooks are switched off "
			       "(WEBHOOK_NOTIFICATIONS_ENABLED)",
			       name);
	return net_check_client_url(api->net, name, url, e);
}

json_t *
notify_delivery_json(const struct store_delivery *delivery,
		     const char *document)
{
	static const char *const told[] = {"channel", "event", "host", "error",
					   "http_status"};
	json_t *all = json_loads(document, 0, NULL);
	json_t *shown = json_pack(
		"{s:s, s:s, s:s, s:I}", "delivery_id", delivery->delivery_id,
		"workflow_id", delivery->workflow_id, "status",
		delivery->status, "attempts", (json_int_t)delivery->attempts);
	char at[CLOCK_ISO_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		if (json_object_get(all, told[i]) != NULL)
			json_object_set(shown, told[i],
					json_object_get(all, told[i]));
	clock_iso8601(delivery->updated_us, at);
	json_object_set_new(shown, "updated_at", json_string(at));
	if (strcmp(delivery->status, "pending") == 0) {
		clock_iso8601(delivery->due_us, at);
		json_object_set_new(shown, "due_at", json_string(at));
	}
	json_decref(all);
	return shown;
}
