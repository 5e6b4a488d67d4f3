#include "ini.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

/* Does not know comments behind a value, and stops at 100 bytes a line. */
int ini_parse(const char *text, ini_fn *fn, void *arg)
{
	char line[100], section[100] = "";
	int number = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		char *s, *equals;

		number++;
		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		text += n + (text[n] == '\n');
		s = trim(line);
		if (*s == '\0' || *s == ';' || *s == '#')
			continue;
		if (*s == '[') {
			char *close = strchr(s, ']');

			if (close == NULL)
				return number;
			*close = '\0';
			snprintf(section, sizeof(section), "%s", s + 1);
			continue;
		}
		equals = strchr(s, '=');
		if (equals == NULL)
			return number;
		*equals = '\0';
		fn(arg, section, trim(s), trim(equals + 1));
	}
	return 0;
}
