/* Reverse Polish notation on a small machine. */
#include "include/machine.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int machine_push(struct machine *m, double value)
{
	if (m->depth == MACHINE_DEPTH)
		return machine_fail(m, "stack overflow");
	m->stack[m->depth++] = value;
	return 0;
}

static int step(struct machine *m, char *word)
{
	const struct op *op = op_find(word);
	char *end;
	double value = strtod(word, &end);

	if (*end == '\0')
		return machine_push(m, value);
	if (op == NULL)
		return machine_fail(m, "unknown word");
	if (m->depth < op->takes)
		return machine_fail(m, "stack underflow");
	m->depth -= op->takes;
	return machine_push(m, op->apply(m->stack + m->depth));
}

int machine_run(struct machine *m, const char *program, double *ret)
{
	char *copy = strdup(program), *save = NULL;
	int rc = 0;

	m->depth = 0;
	m->error = NULL;
	for (char *w = strtok_r(copy, " ", &save); w != NULL && rc == 0;
	     w = strtok_r(NULL, " ", &save))
		rc = step(m, w);
	free(copy);
	if (rc == 0 && m->depth != 1)
		rc = machine_fail(m, "not one result");
	if (rc == 0)
		*ret = m->stack[0];
	return rc;
}

/* For trying it by hand. */
int main(int argc, char **argv)
{
	struct machine m;
	double result;

	return argc < 2 || machine_run(&m, argv[1], &result) < 0;
}
