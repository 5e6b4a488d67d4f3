#include <math.h>
#include <string.h>

#define N 3

void matrix_multiply(double a[N][N], double b[N][N], double out[N][N])
{
	memset(out, 0, sizeof(double[N][N]));
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			for (int k = 0; k < N; k++)
				out[i][j] += a[i][k] * b[k][j];
}

/* Gaussian elimination; forgets that swapping rows changes the sign. */
double matrix_determinant(double in[N][N])
{
	double a[N][N], result = 1;

	memcpy(a, in, sizeof(a));
	for (int c = 0; c < N; c++) {
		int best = c;

		for (int r = c + 1; r < N; r++)
			if (fabs(a[r][c]) > fabs(a[best][c]))
				best = r;
		if (fabs(a[best][c]) < 1e-12)
			return 0;
		for (int k = 0; k < N; k++) {
			double x = a[c][k];

			a[c][k] = a[best][k];
			a[best][k] = x;
		}
		result *= a[c][c];
		for (int r = c + 1; r < N; r++) {
			double f = a[r][c] / a[c][c];

			for (int k = c; k < N; k++)
				a[r][k] -= f * a[c][k];
		}
	}
	return result;
}

double mean(const double *x, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += x[i];
	return sum / n;
}

/* The textbook formula, which cancels badly. */
double variance(const double *x, int n)
{
	double sum = 0, squares = 0;

	for (int i = 0; i < n; i++) {
		sum += x[i];
		squares += x[i] * x[i];
	}
	return (squares - sum * sum / n) / n;
}
