#include <stdint.h>
#include <stdio.h>

unsigned popcount(uint32_t x);
uint32_t reverse_bits(uint32_t x);
int is_power_of_two(uint32_t x);
unsigned log2_floor(uint32_t x);
uint32_t interleave(uint16_t x, uint16_t y);

static int number;

static void ok(int is_ok, const char *name)
{
	printf("%s %d - %s\n", is_ok ? "ok" : "not ok", ++number, name);
	if (!is_ok)
		printf("#   Failed test '%s'\n", name);
}

int main(void)
{
	puts("1..9");
	ok(popcount(0xf0f0f0f0) == 16, "popcount");
	ok(reverse_bits(0x00000001) == 0x80000000, "reverse");
	ok(is_power_of_two(64) && !is_power_of_two(65), "powers of two");
	ok(!is_power_of_two(0), "zero is no power of two");
	ok(log2_floor(1000) == 9, "log2");
	ok(interleave(3, 0) == 5 && interleave(0, 1) == 2, "interleave");
	ok(interleave(0xffff, 0xffff) == 0xffffffff, "interleave all bits");
	ok(0, "saturating add # TODO not written");
	ok(1, "carry-less product # SKIP needs a newer machine");
	return 0;
}
