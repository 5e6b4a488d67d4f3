/* wc: lines, words, bytes and characters. */
#include <ctype.h>
#include <stdio.h>

int main(void)
{
	unsigned long lines = 0, words = 0, bytes = 0, chars = 0, longest = 0;
	unsigned long width = 0;
	int c, in_word = 0;

	while ((c = getchar()) != EOF) {
		bytes++;
		chars += (c & 0xc0) != 0x80;
		if (c == '\n') {
			lines++;
			width = 0;
		} else if (++width > longest) {
			longest = width;
		}
		if (isspace(c)) {
			in_word = 0;
		} else if (!in_word) {
			in_word = 1;
			words++;
		}
	}
	printf("%lu lines, %lu words, %lu characters in %lu bytes\n", lines,
	       words, chars, bytes);
	printf("longest line: %lu bytes\n", longest);
	return ferror(stdin) != 0;
}
