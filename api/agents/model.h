/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - the client of one chat model: Azure OpenAI, or any server that
 * speaks OpenAI's chat completions.
 *
 * The address is the operator's; the broker connects, certificates are checked
 * (api/net).  The answer is hostile: bounded, parsed strictly, and never shown
 * in an error.  Errors name the setting and the host; the key and the prompt
 * stand in none, nor in a log.
 */
#ifndef PC_API_AGENTS_MODEL_H
#define PC_API_AGENTS_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"
#include "api/net/net.h"
#include "supervisor/base/err.h"

struct stream;

#define MODEL_RETRY_AFTER_MAX_S 600

struct model {
	const char *setting; /* that names its address; NULL: none is set */
	const char *key_setting;
	char name[64]; /* model or deployment: as in the table of prices */
	char url[1024];
	/*
	 * Not a copy: the broker, which inherits this, overwrites the settings
	 * that it inherits.
	 */
	const char *key;	/* "" none; a secret */
	const char *key_prefix; /* of its header */
	bool is_reasoning;	/* other names of parameters, no temperature */
	bool says_model;	/* the body names it, not the path */
	bool is_streaming;
	uint32_t max_tokens, timeout_s;
};

/*
 * Checks the settings, which must outlive *ret; ret->setting is NULL if there
 * is no model.
 */
int model_init(const struct api_config *config, struct model *ret,
	       struct err *e);

struct model_call {
	const json_t *messages;
	double temperature;
	const char *id; /* the same for a call that is repeated */
	uint64_t wall_ms_max;
	int cancel_fd;
};

enum model_charge {
	MODEL_CHARGE_NONE,    /* refused before anything was computed */
	MODEL_CHARGE_UNKNOWN, /* sent, and no word of what it took */
	MODEL_CHARGE_TOKENS,  /* as tokens_in and tokens_out say */
};

struct model_reply {
	char *text; /* malloc'd; NULL if it fails */
	size_t len;
	bool is_cut; /* ran into max_tokens */
	/* It was heard to its end: this call is over, whatever it says. */
	bool is_answered;
	/* It failed, and nobody knows how far the server came. */
	bool is_unanswered;
	enum model_charge charge;
	uint64_t tokens_in, tokens_out;
	uint32_t retry_after_s; /* 0: not said */
};

void model_reply_done(struct model_reply *reply);

/*
 * Ask and wait.  *ret is also filled when it fails: what it costs, when to come
 * back.  ERR_BUSY (429) and ERR_PEER (network, 408, 409, 5xx, a stream that was
 * cut off): worth another try;
 * ERR_DENIED: the model or its filter declines; ERR_LIMIT: the quota is used
 * up, or the prompt too long; ERR_CONFLICT: cancelled; ERR_INVALID and
 * ERR_NOT_FOUND: the settings are wrong, or no usable answer.
 */
int model_ask(const struct model *model, struct net *net,
	      const struct model_call *call, struct model_reply *ret,
	      struct err *e);

/* ---- reply.c: an answer as it is kept -------------------------------- */

/* failure: what model_ask() said of it, NULL if it went well. */
json_t *model_reply_to_json(const struct model_reply *reply,
			    const struct err *failure);
/* As model_ask() returned it. */
int model_reply_from_json(const json_t *kept, struct model_reply *ret,
			  struct err *e);

/* ---- the parts, for tests -------------------------------------------- */

/* The body of the request; malloc'd. */
char *model_body(const struct model *model, const struct model_call *call);
/* What an HTTP answer means. */
int model_read(const struct model *model, int status, const char *body,
	       size_t len, struct model_reply *ret, struct err *e);
/* What a stream that is over means. */
int model_read_stream(const struct model *model, const struct stream *stream,
		      struct model_reply *ret, struct err *e);

#endif
