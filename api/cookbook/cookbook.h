/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cookbook.h - recipes as the workflows' author where no model is configured: a
 * folder of programs that people wrote and tested, and rules for which of them
 * a goal asks for.  Nothing is made up: a goal that no recipe is about is
 * refused with the list of those there are, and what a recipe gives is named in
 * the result with what it does and which words of the goal it leaves open.
 */
#ifndef PC_API_COOKBOOK_H
#define PC_API_COOKBOOK_H

#include "api/workflow/author.h"
#include "supervisor/base/err.h"

#define COOKBOOK_NONE "none" /* in place of the folder */

struct cookbook;

/*
 * All recipes of the folder (recipe.h): call it while the process may still
 * read files.  *ret is NULL if dir is COOKBOOK_NONE.
 */
int cookbook_load(const char *dir, struct cookbook **ret, struct err *e);
void cookbook_free(struct cookbook *cookbook); /* NULL is ignored */

/* The cookbook must outlive the result. */
struct workflow_author cookbook_author(struct cookbook *cookbook);

#endif
