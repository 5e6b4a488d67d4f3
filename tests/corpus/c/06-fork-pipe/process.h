#include <sys/types.h>

int in_child(int (*function)(void));
ssize_t capture(const char *command, char *buf, size_t size);
