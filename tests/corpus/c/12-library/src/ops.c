#include "include/machine.h"

#include <math.h>
#include <string.h>

static double add(const double *x) { return x[0] + x[1]; }
static double subtract(const double *x) { return x[0] - x[1]; }
static double multiply(const double *x) { return x[0] * x[1]; }
static double divide(const double *x) { return x[0] / x[1]; }
static double root(const double *x) { return sqrt(x[0]); }

static const struct op ops[] = {
	{"+", 2, add},	  {"-", 2, subtract}, {"*", 2, multiply},
	{"/", 2, divide}, {"sqrt", 1, root},
};

const struct op *op_find(const char *name)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		if (strcmp(ops[i].name, name) == 0)
			return &ops[i];
	return NULL;
}

int machine_fail(struct machine *m, const char *error)
{
	m->error = error;
	return -1;
}
