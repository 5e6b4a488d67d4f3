/* SPDX-License-Identifier: Apache-2.0 */
/*
 * targets.h - which settings name addresses that the API connects to.
 */
#ifndef PC_API_NET_TARGETS_H
#define PC_API_NET_TARGETS_H

#include "api/api.h"
#include "api/net/broker.h"

/* The rules of the broker; an error names the setting that is wrong. */
int targets_collect(const struct api_config *config, struct broker_rules *ret,
		    struct err *e);

#endif
