/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_ops.h - what a back end implements: every function of store.h, as a
 * table.  A back end NAME has the functions NAME_<operation>, of the types
 * that store.h gives them, and one table made by STORE_OPS(NAME).
 *
 * A new operation is a prototype in store.h, a line here, its dispatcher in
 * store.c and one function in each back end.
 */
#ifndef PC_API_STORE_OPS_H
#define PC_API_STORE_OPS_H

#include "api/store/store.h"

/* clang-format off */
#define STORE_OPERATIONS(OP, ...)                                              \
	OP(ping, __VA_ARGS__)                                                  \
	OP(user_add, __VA_ARGS__)                                              \
	OP(user_get, __VA_ARGS__)                                              \
	OP(user_get_by_id, __VA_ARGS__)                                        \
	OP(user_set_password, __VA_ARGS__)                                     \
	OP(user_list, __VA_ARGS__)                                             \
	OP(workflow_create, __VA_ARGS__)                                       \
	OP(workflow_get, __VA_ARGS__)                                          \
	OP(workflow_peek, __VA_ARGS__)                                         \
	OP(glance, __VA_ARGS__)                                                \
	OP(workflow_update, __VA_ARGS__)                                       \
	OP(workflow_list, __VA_ARGS__)                                         \
	OP(workflow_claim, __VA_ARGS__)                                        \
	OP(workflow_lease_renew, __VA_ARGS__)                                  \
	OP(workflow_lease_release, __VA_ARGS__)                                \
	OP(workflow_lease_reset, __VA_ARGS__)                                  \
	OP(workflow_next_due, __VA_ARGS__)                                     \
	OP(workflow_expire, __VA_ARGS__)                                       \
	OP(delivery_claim, __VA_ARGS__)                                        \
	OP(delivery_update, __VA_ARGS__)                                       \
	OP(delivery_put, __VA_ARGS__)                                          \
	OP(delivery_retry, __VA_ARGS__)                                        \
	OP(delivery_next_due, __VA_ARGS__)                                     \
	OP(delivery_list, __VA_ARGS__)                                         \
	OP(delivery_expire, __VA_ARGS__)                                       \
	OP(idempotency_claim, __VA_ARGS__)                                     \
	OP(idempotency_answer, __VA_ARGS__)                                    \
	OP(idempotency_release, __VA_ARGS__)                                   \
	OP(usage_add, __VA_ARGS__)                                             \
	OP(usage_list, __VA_ARGS__)                                            \
	OP(usage_expire, __VA_ARGS__)                                          \
	OP(spend_reserve, __VA_ARGS__)                                         \
	OP(spend_settle, __VA_ARGS__)                                          \
	OP(spend_sum, __VA_ARGS__)                                             \
	OP(job_put, __VA_ARGS__)                                               \
	OP(job_get, __VA_ARGS__)                                               \
	OP(job_expire, __VA_ARGS__)                                            \
	OP(job_list_running, __VA_ARGS__)                                      \
	OP(counter_hit, __VA_ARGS__)                                           \
	OP(counter_clear, __VA_ARGS__)                                         \
	OP(setting_get, __VA_ARGS__)                                           \
	OP(setting_put, __VA_ARGS__)
/* clang-format on */

#define STORE_OP_MEMBER(op, ...) typeof(store_##op) *op;
#define STORE_OP_DECLARE(op, name) typeof(store_##op) name##_##op;
#define STORE_OP_ENTRY(op, name) .op = name##_##op,

struct store_ops {
	const char *name; /* for GET /health */
	void (*close)(struct store *s);
	STORE_OPERATIONS(STORE_OP_MEMBER)
};

/* What a back end's own struct begins with. */
struct store {
	const struct store_ops *ops;
	char warning[512]; /* store_warning() */
};

/* Prototypes of the functions of a back end, and its table. */
#define STORE_DECLARE(name) STORE_OPERATIONS(STORE_OP_DECLARE, name)
#define STORE_OPS(backend)                                                     \
	{                                                                      \
		.name = #backend, .close = backend##_close,                    \
		STORE_OPERATIONS(STORE_OP_ENTRY, backend)                      \
	}

#endif
