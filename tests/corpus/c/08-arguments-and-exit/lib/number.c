#include "number.h"

#include <errno.h>
#include <stdlib.h>

int parse_number(const char *text, long *ret)
{
	char *end;

	errno = 0;
	*ret = strtol(text, &end, 0);
	if (end == text || *end != '\0')
		errno = EINVAL;
	return errno ? -1 : 0;
}
