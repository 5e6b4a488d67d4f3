/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval.h - what the kernel would do: runs a seccomp filter on one call.
 */
#ifndef PC_POLICY_EVAL_H
#define PC_POLICY_EVAL_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/base/err.h"

/*
 * *ret_action is the value that the filter returns (SECCOMP_RET_*).  -1: the
 * filter uses an instruction that seccomp(2) does not take, leaves its end, or
 * loads from outside of the call's data.
 */
int bpf_eval(const struct sock_filter *bpf, size_t len,
	     const struct seccomp_data *call, uint32_t *ret_action,
	     struct err *e);

#endif
