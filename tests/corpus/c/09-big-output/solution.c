#include <stdio.h>

unsigned mandelbrot(double cr, double ci, unsigned most)
{
	double r = 0, i = 0;
	unsigned n = 0;

	while (n < most && r * r + i * i <= 4) {
		double next = r * r - i * i + cr;

		i = 2 * r * i + ci;
		r = next;
		n++;
	}
	return n;
}

unsigned long draw(FILE *out, int width, int height)
{
	static const char shades[] = " .:-=+*#%@";
	unsigned long inside = 0;

	for (int y = 0; y < height; y++) {
		for (int x = 0; x < width; x++) {
			unsigned n = mandelbrot(-2.2 + 3.2 * x / width,
						-1.2 + 2.4 * y / height, 50);

			fputc(shades[n * 9 / 50], out);
			inside += n == 50;
		}
		fputc('\n', out);
	}
	return inside;
}
