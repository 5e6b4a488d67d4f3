#undef NDEBUG
#include <assert.h>
#include <stdio.h>

unsigned mandelbrot(double cr, double ci, unsigned most);
unsigned long draw(FILE *out, int width, int height);

int main(void)
{
	unsigned long inside;

	assert(mandelbrot(0, 0, 10) == 10);
	assert(mandelbrot(2, 2, 10) < 3);
	inside = draw(stdout, 1000, 700);
	assert(inside > 100000 && inside < 200000);
	fprintf(stderr, "%lu points inside\n", inside);
	printf("the end");
	return 0;
}
