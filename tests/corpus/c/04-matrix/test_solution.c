#include <math.h>
#include <stdio.h>

#define N 3
void matrix_multiply(double a[N][N], double b[N][N], double out[N][N]);
double matrix_determinant(double in[N][N]);
double mean(const double *x, int n);
double variance(const double *x, int n);

static int failures, tests;

static void report(const char *name, int line, int is_ok, double want, double got)
{
	tests++;
	if (is_ok) {
		printf("test_solution.c:%d:%s:PASS\n", line, name);
		return;
	}
	failures++;
	printf("test_solution.c:%d:%s:FAIL: Expected %g Was %g\n", line, name, want, got);
}

static void close_to(const char *name, int line, double want, double got)
{
	report(name, line, fabs(want - got) < 1e-9 * fmax(1, fabs(want)), want, got);
}

int main(void)
{
	double a[N][N] = {{4, 1, 2}, {1, 3, 0}, {2, 0, 5}};
	double swapped[N][N] = {{0, 1, 0}, {1, 0, 0}, {0, 0, 1}};
	double out[N][N];
	double far[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};

	matrix_multiply(a, swapped, out);
	close_to("test_multiply", __LINE__, 1, out[0][0]);
	close_to("test_determinant", __LINE__, 43, matrix_determinant(a));
	close_to("test_determinant_swapped", __LINE__, -1, matrix_determinant(swapped));
	close_to("test_mean", __LINE__, 1e9 + 10, mean(far, 4));
	close_to("test_variance", __LINE__, 22.5, variance(far, 4));
	tests++;
	printf("test_solution.c:%d:test_inverse:IGNORE: not written yet\n", __LINE__);
	printf("\n-----------------------\n%d Tests %d Failures 1 Ignored \nFAIL\n",
	       tests, failures);
	return failures;
}
