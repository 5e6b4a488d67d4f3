/* SPDX-License-Identifier: Apache-2.0 */
/*
 * targets.c - see targets.h.  A setting that names an address gets one row
 * here, or the broker refuses to connect to it.
 */
#include "api/net/targets.h"

#include <stddef.h>

#include "api/net/url.h"
#include "supervisor/base/str.h"

/* Text fields of struct api_config that hold a URL; empty ones are skipped. */
static const struct {
	const char *setting;
	size_t offset;
} urls[] = {
	{"SLACK_WEBHOOK_URL", offsetof(struct api_config, slack_url)},
	{"HITL_NOTIFICATION_WEBHOOK", offsetof(struct api_config, hitl_url)},
	{"PROMPTCRAFT_WEBHOOK_URL", offsetof(struct api_config, webhook_url)},
	{"AZURE_OPENAI_ENDPOINT", offsetof(struct api_config, azure_endpoint)},
	{"PROMPTCRAFT_MODEL_URL", offsetof(struct api_config, model_url)},
};

/* A text field with a host and a uint16_t with its port. */
static const struct {
	const char *setting;
	size_t host, port;
} hosts[] = {
	{"HITL_EMAIL_SMTP_HOST", offsetof(struct api_config, smtp_host),
	 offsetof(struct api_config, smtp_port)},
	{"REDIS_HOST", offsetof(struct api_config, store.redis.host),
	 offsetof(struct api_config, store.redis.port)},
};

static int
add_url(const struct api_config *config, size_t i, struct broker_rules *rules,
	struct err *e)
{
	const char *text = (const char *)config + urls[i].offset;
	struct net_url url;

	if (text[0] == '\0')
		return 0;
	if (net_url_parse(urls[i].setting, text, &url, e) < 0)
		return -1;
	if (broker_add_target(rules, url.host, url.port, e) < 0)
		return err_wrap(e, "%s", urls[i].setting);
	return 0;
}

static int
add_host(const struct api_config *config, size_t i, struct broker_rules *rules,
	 struct err *e)
{
	const char *base = (const char *)config;
	const char *host = base + hosts[i].host;
	const void *port = base + hosts[i].port;

	/* A path is a Unix socket, which needs no broker. */
	if (host[0] == '\0' || host[0] == '/')
		return 0;
	if (broker_add_target(rules, host, *(const uint16_t *)port, e) < 0)
		return err_wrap(e, "%s", hosts[i].setting);
	return 0;
}

int
targets_collect(const struct api_config *config, struct broker_rules *ret,
		struct err *e)
{
	struct broker_rules rules = {.resolve = getaddrinfo,
				     .guard.only_listed =
					     config->webhook_only_listed};

	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		if (add_url(config, i, &rules, e) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (add_host(config, i, &rules, e) < 0)
			return -1;
	if (guard_parse_entries(&rules.guard, "PROMPTCRAFT_WEBHOOK_ALLOW",
				config->webhook_allow, e) < 0 ||
	    guard_parse_ports(&rules.guard, "PROMPTCRAFT_WEBHOOK_PORTS",
			      config->webhook_ports, e) < 0)
		return -1;
	*ret = rules;
	return 0;
}
