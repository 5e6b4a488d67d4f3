#ifndef MACHINE_H
#define MACHINE_H
#define MACHINE_DEPTH 16

struct machine {
	double stack[MACHINE_DEPTH];
	int depth;
	const char *error;
};

struct op {
	const char *name;
	int takes;
	double (*apply)(const double *operands);
};

const struct op *op_find(const char *name);
int machine_fail(struct machine *m, const char *error);
int machine_push(struct machine *m, double value);
int machine_run(struct machine *m, const char *program, double *ret);
#endif
