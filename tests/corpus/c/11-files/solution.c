#include "store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int store_open(const char *path)
{
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

int store_append(int fd, const struct record *record)
{
	off_t end = lseek(fd, 0, SEEK_END);

	if (end < 0 || write(fd, record, sizeof(*record)) != sizeof(*record))
		return -1;
	return (int)(end / (off_t)sizeof(*record));
}

int store_get(int fd, int number, struct record *ret)
{
	off_t at = (off_t)number * (off_t)sizeof(*ret);

	return pread(fd, ret, sizeof(*ret), at) == sizeof(*ret) ? 0 : -1;
}

/* The record with the largest key, through a mapping. */
int store_max(int fd)
{
	struct stat st;
	const struct record *records;
	int best = -1;

	if (fstat(fd, &st) < 0 || st.st_size == 0)
		return -1;
	records = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (records == MAP_FAILED)
		return -1;
	for (int i = 0; i < (int)((size_t)st.st_size / sizeof(*records)); i++)
		if (best < 0 || records[i].key > records[best].key)
			best = i;
	munmap((void *)records, (size_t)st.st_size);
	return best;
}
