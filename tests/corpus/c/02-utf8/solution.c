#include <stddef.h>
#include <stdint.h>

/* Decode one code point; returns its length, 0 if malformed. */
size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n;
	uint32_t c;

	if (len == 0)
		return 0;
	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc0 || s[0] > 0xf4 || len < n)
		return 0;
	c = s[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return n;
}

/* Code points, or -1 if any is malformed. */
long utf8_length(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;
	long count = 0;
	uint32_t c;

	while (len > 0) {
		size_t n = utf8_decode(s, len, &c);

		if (n == 0)
			return -1;
		s += n;
		len -= n;
		count++;
	}
	return count;
}
