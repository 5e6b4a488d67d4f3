/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter_table.c - see counter_table.h.
 *
 * The file is a header and buckets of a few slots.  A key is its 128-bit keyed
 * hash: clients choose parts of keys (names they try to log in with), and
 * without the file's random salt one could aim them all at one bucket.
 *
 * One process at a time changes the file: a lock of the open file, which the
 * kernel takes back when its holder dies, and a mutex among our threads.  A
 * process that is killed in between leaves a slot with one field old at most;
 * window_end_us is written last and zero means free.
 *
 * The blocks are allocated when the file is made.  A page without one would be
 * SIGBUS on a full disk.
 */
#include "api/store/counter_table.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/base/fd.h"

#define MAGIC "pc-counters-1"
#define BUCKETS 2048u /* power of two */
#define SLOTS 8u

struct slot {
	uint64_t key[2];
	uint64_t count;
	uint64_t window_end_us; /* 0: free */
};

struct layout {
	char magic[16];
	unsigned char salt[crypto_shorthash_siphashx24_KEYBYTES];
	char unused[4096 - 16 - crypto_shorthash_siphashx24_KEYBYTES];
	struct slot buckets[BUCKETS][SLOTS];
};

_Static_assert(sizeof(struct layout) == 4096 + BUCKETS * SLOTS * 32,
	       "the file's format");
_Static_assert(crypto_shorthash_siphashx24_BYTES == 2 * sizeof(uint64_t),
	       "a key is a hash");

struct counter_table {
	pthread_mutex_t lock;
	struct layout *map;
	int fd;
};

/* ---- locking --------------------------------------------------------- */

static int
lock_file(int fd, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
	int rc;

	do
		rc = fcntl(fd, F_OFD_SETLKW, &lock);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static int
begin(struct counter_table *table, struct err *e)
{
	pthread_mutex_lock(&table->lock);
	if (lock_file(table->fd, F_WRLCK) == 0)
		return 0;
	err_sys(e, "store: lock the counters");
	pthread_mutex_unlock(&table->lock);
	return -1;
}

static void
end(struct counter_table *table)
{
	(void)lock_file(table->fd, F_UNLCK);
	pthread_mutex_unlock(&table->lock);
}

/* ---- opening --------------------------------------------------------- */

static int
make_room(int fd, struct err *e)
{
	int rc = posix_fallocate(fd, 0, (off_t)sizeof(struct layout));

	if (rc == 0)
		return 0;
	if (ftruncate(fd, 0) < 0)
		return err_sys(e, "store: make the counters");
	return err_set(e, ERR_IO, rc, "store: make the counters");
}

/*
 * With the file locked: two processes may start at the same moment.  One that
 * is killed here leaves the first byte 0, for which the next does it anew.
 */
static int
lay_out(int fd, struct err *e)
{
	struct layout *layout;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "store: look at the counters");
	if (st.st_size != 0 && st.st_size != (off_t)sizeof(*layout))
		return err_set(e, ERR_INVALID, 0,
			       "store: the file of counters is not ours");
	if (st.st_size == 0 && make_room(fd, e) < 0)
		return -1;
	layout = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (layout == MAP_FAILED)
		return err_sys(e, "store: map the counters");
	if (layout->magic[0] == '\0') {
		randombytes_buf(layout->salt, sizeof(layout->salt));
		memcpy(layout->magic + 1, MAGIC + 1, sizeof(MAGIC) - 1);
		__atomic_store_n(layout->magic, MAGIC[0], __ATOMIC_RELEASE);
	}
	(void)munmap(layout, 4096);
	return 0;
}

static int
map_file(struct counter_table *table, struct err *e)
{
	int rc;

	if (lock_file(table->fd, F_WRLCK) < 0)
		return err_sys(e, "store: lock the counters");
	rc = lay_out(table->fd, e);
	(void)lock_file(table->fd, F_UNLCK);
	if (rc < 0)
		return -1;
	table->map = mmap(NULL, sizeof(*table->map), PROT_READ | PROT_WRITE,
			  MAP_SHARED, table->fd, 0);
	if (table->map == MAP_FAILED) {
		table->map = NULL;
		return err_sys(e, "store: map the counters");
	}
	if (memcmp(table->map->magic, MAGIC, sizeof(MAGIC)) != 0)
		return err_set(e, ERR_INVALID, 0,
			       "store: the file of counters is not ours");
	return 0;
}

int
counter_table_open(const char *path, struct counter_table **ret, struct err *e)
{
	struct counter_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return err_set(e, ERR_IO, ENOMEM, "store: counters");
	pthread_mutex_init(&table->lock, NULL);
	table->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (table->fd < 0) {
		err_sys(e, "open %s", path);
		counter_table_close(table);
		return -1;
	}
	if (map_file(table, e) < 0) {
		counter_table_close(table);
		return err_wrap(e, "%s", path);
	}
	*ret = table;
	return 0;
}

void
counter_table_close(struct counter_table *table)
{
	if (table == NULL)
		return;
	if (table->map != NULL)
		(void)munmap(table->map, sizeof(*table->map));
	fd_close(&table->fd);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

/* ---- counting -------------------------------------------------------- */

static struct slot *
bucket_of(struct counter_table *table, const char *key, uint64_t ret_hash[2])
{
	(void)crypto_shorthash_siphashx24((unsigned char *)ret_hash,
					  (const unsigned char *)key,
					  strlen(key), table->map->salt);
	return table->map->buckets[ret_hash[0] & (BUCKETS - 1)];
}

static bool
is_live(const struct slot *slot, const struct counter_window *window)
{
	return slot->window_end_us > window->now_us &&
	       slot->window_end_us <= window->end_max_us;
}

static bool
is_of(const struct slot *slot, const uint64_t hash[2])
{
	return slot->window_end_us != 0 && slot->key[0] == hash[0] &&
	       slot->key[1] == hash[1];
}

/*
 * The key's slot, whether its window is over or not; else one that is free or
 * whose window is over by this clock; else NULL.
 */
static struct slot *
find_slot(struct slot *bucket, const uint64_t hash[2],
	  const struct counter_window *window)
{
	struct slot *place = NULL;

	for (size_t i = 0; i < SLOTS; i++) {
		if (is_of(&bucket[i], hash))
			return &bucket[i];
		if (place == NULL && bucket[i].window_end_us <= window->now_us)
			place = &bucket[i];
	}
	return place;
}

static void
begin_window(struct slot *slot, const uint64_t hash[2], uint64_t end_us)
{
	slot->window_end_us = 0;
	slot->key[0] = hash[0];
	slot->key[1] = hash[1];
	slot->count = 0;
	slot->window_end_us = end_us;
}

int
counter_table_hit(struct counter_table *table, const char *key,
		  const struct counter_window *window, bool may_add,
		  uint64_t *ret_count, uint64_t *ret_end_us, struct err *e)
{
	struct slot *bucket, *slot;
	uint64_t hash[2];
	bool is_counted;

	if (begin(table, e) < 0)
		return -1;
	bucket = bucket_of(table, key, hash);
	slot = find_slot(bucket, hash, window);
	is_counted = slot != NULL &&
		     (may_add || (is_of(slot, hash) && is_live(slot, window)));
	if (is_counted) {
		if (!is_of(slot, hash) || !is_live(slot, window))
			begin_window(slot, hash,
				     window->now_us + window->length_us);
		*ret_count = ++slot->count;
		*ret_end_us = slot->window_end_us;
	}
	end(table);
	return is_counted ? 1 : 0;
}

int
counter_table_clear(struct counter_table *table, const char *key, struct err *e)
{
	struct slot *bucket;
	uint64_t hash[2];

	if (begin(table, e) < 0)
		return -1;
	bucket = bucket_of(table, key, hash);
	for (size_t i = 0; i < SLOTS; i++)
		if (is_of(&bucket[i], hash))
			bucket[i].window_end_us = 0;
	end(table);
	return 0;
}
