#include <stdint.h>

struct record {
	int64_t key;
	char text[24];
};

int store_open(const char *path);
int store_append(int fd, const struct record *record);
int store_get(int fd, int number, struct record *ret);
int store_max(int fd);
