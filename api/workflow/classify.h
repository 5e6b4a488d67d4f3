/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classify.h - what kind of work a sentence speaks of and whose it is, by its
 * words: the rules of the specification's section 6.1, as tables.
 */
#ifndef PC_API_WORKFLOW_CLASSIFY_H
#define PC_API_WORKFLOW_CLASSIFY_H

/* "code_generation", "testing", "security_analysis", "deployment", "generic" */
const char *classify_type(const char *text);

/* "security_agent", "web_dev_agent", "create_agent" */
const char *classify_agent(const char *text);

#endif
