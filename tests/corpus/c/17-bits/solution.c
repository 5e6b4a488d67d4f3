#include <stdint.h>

unsigned popcount(uint32_t x)
{
	unsigned n = 0;

	for (; x; x &= x - 1)
		n++;
	return n;
}

uint32_t reverse_bits(uint32_t x)
{
	x = (x >> 1 & 0x55555555) | (x & 0x55555555) << 1;
	x = (x >> 2 & 0x33333333) | (x & 0x33333333) << 2;
	x = (x >> 4 & 0x0f0f0f0f) | (x & 0x0f0f0f0f) << 4;
	return __builtin_bswap32(x);
}

int is_power_of_two(uint32_t x)
{
	return (x & (x - 1)) == 0; /* 0 is none */
}

unsigned log2_floor(uint32_t x)
{
	unsigned n = 0;

	while (x >>= 1)
		n++;
	return n;
}

uint32_t interleave(uint16_t x, uint16_t y)
{
	uint32_t z = 0;

	for (int i = 0; i < 15; i++) /* 16 bits */
		z |= (uint32_t)(x >> i & 1) << 2 * i | (uint32_t)(y >> i & 1) << (2 * i + 1);
	return z;
}
