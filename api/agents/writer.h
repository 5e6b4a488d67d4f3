/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - the model and its agents as the workflows' author: picks the
 * agent, asks, pays, and cuts the program out of the answer.
 */
#ifndef PC_API_AGENTS_WRITER_H
#define PC_API_AGENTS_WRITER_H

#include "api/api.h"
#include "api/workflow/author.h"
#include "supervisor/base/err.h"

struct writer;

/*
 * Checks the model's settings and reads the agents: call it while the process
 * may still read files.  *ret is NULL if no model is configured.  *api must
 * outlive it.
 */
int writer_new(struct api *api, struct writer **ret, struct err *e);
void writer_free(struct writer *writer); /* NULL is ignored */

/* The writer must outlive the result. */
struct workflow_author writer_author(struct writer *writer);

#endif
