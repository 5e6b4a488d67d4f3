#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"

#define OK(condition, name)                                                    \
	printf("%sok %d - %s\n", (condition) ? "" : "not ", ++n, name)

int main(void)
{
	char path[] = "/tmp/store-XXXXXX";
	struct record record;
	int n = 0, fd = mkstemp(path);
	FILE *temporary;

	puts("1..6");
	close(fd);
	fd = store_open(path);
	OK(fd >= 0, "open");
	OK(store_max(fd) == -1, "empty");
	for (int i = 0; i < 100; i++) {
		record = (struct record){.key = (i * 37) % 101};
		snprintf(record.text, sizeof(record.text), "record %d", i);
		store_append(fd, &record);
	}
	OK(store_get(fd, 42, &record) == 0 && strcmp(record.text, "record 42") == 0, "get");
	OK(store_get(fd, 100, &record) == -1, "past the end");
	store_get(fd, store_max(fd), &record);
	OK(record.key == 100, "max");
	unlink(path);
	temporary = tmpfile();
	fputs("12 34", temporary);
	rewind(temporary);
	int a, b;
	OK(fscanf(temporary, "%d %d", &a, &b) == 2 && a + b == 46, "tmpfile");
	return 0;
}
