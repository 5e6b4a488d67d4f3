/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_bundle.c - a client's bundle through the reader and through the
 * unpacker, into a folder beside which there is something to lose.
 *
 * Input: the bytes of the bundle.  What the reader takes, the writer must make
 * again, byte for byte; what the unpacker makes must lie in the folder, be
 * regular files and folders, and hold the bundle's bytes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail/jail.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "tests/fuzz/fuzz.h"

/* top/outside/canary; top/work/{link -> ../outside, up -> .., dir} */
static char top[64];
static int top_fd, outside_fd;

static void
remove_all(void)
{
	(void)unlinkat(outside_fd, "canary", 0);
	(void)unlinkat(top_fd, "outside", AT_REMOVEDIR);
	(void)rmdir(top);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	owned_fd int canary = -1;

	(void)argc;
	(void)argv;
	(void)str_copy(top, sizeof(top), "/dev/shm/fuzz-bundle.XXXXXX");
	FUZZ_CHECK(mkdtemp(top) != NULL);
	atexit(remove_all);
	top_fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(top_fd >= 0 && mkdirat(top_fd, "outside", 0755) == 0);
	outside_fd =
		openat(top_fd, "outside", O_PATH | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(outside_fd >= 0);
	canary = openat(outside_fd, "canary", O_WRONLY | O_CREAT | O_CLOEXEC,
			0644);
	FUZZ_CHECK(canary >= 0 && fd_write_all(canary, "still here", 10) == 0);
	return 0;
}

static unsigned
count_names(const char *name)
{
	int fd = openat(top_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	unsigned count = 0;

	FUZZ_CHECK(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

/* The only things beside /work are what we put there. */
static void
check_outside(void)
{
	char text[16];
	owned_fd int fd = openat(outside_fd, "canary", O_RDONLY | O_CLOEXEC);

	FUZZ_CHECK(fd >= 0 && fd_read_full(fd, text, sizeof(text)) == 10);
	FUZZ_CHECK(memcmp(text, "still here", 10) == 0);
	FUZZ_CHECK(count_names("outside") == 3 && count_names(".") == 3);
}

/* Remove everything below; returns how many regular files there were. */
static unsigned
empty_folder(int dirfd, const char *name)
{
	int fd = openat(dirfd, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	unsigned files = 0;
	struct dirent *d;

	FUZZ_CHECK(dir != NULL);
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (d->d_type == DT_DIR) {
			files += empty_folder(fd, d->d_name);
			FUZZ_CHECK(unlinkat(fd, d->d_name, AT_REMOVEDIR) == 0);
			continue;
		}
		FUZZ_CHECK(d->d_type == DT_REG || d->d_type == DT_LNK);
		files += d->d_type == DT_REG;
		FUZZ_CHECK(unlinkat(fd, d->d_name, 0) == 0);
	}
	(void)closedir(dir);
	return files;
}

static void
check_path(const char *path)
{
	size_t len = strlen(path);

	FUZZ_CHECK(len > 0 && len <= BUNDLE_PATH_MAX && path[0] != '/');
	FUZZ_CHECK(path[len - 1] != '/' && strstr(path, "//") == NULL);
	FUZZ_CHECK(strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0);
	FUZZ_CHECK(strstr(path, "/../") == NULL);
	FUZZ_CHECK(len < 3 || strcmp(path + len - 3, "/..") != 0);
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK((unsigned char)path[i] >= 0x20);
}

/* Read all; if that went well, write it again. */
static bool
check_reader(const uint8_t *data, size_t len)
{
	struct bundle_reader reader;
	struct bundle_writer writer;
	struct bundle_entry entry;
	struct err e = ERR_INIT;
	int more = -1;

	bundle_writer_init(&writer, 16u << 20);
	if (bundle_reader_init(&reader, data, len, &e) == 0) {
		while ((more = bundle_reader_next(&reader, &entry, &e)) > 0) {
			FUZZ_CHECK(entry.data >= data &&
				   entry.data + entry.len <= data + len);
			if (entry.kind != BUNDLE_MANIFEST)
				check_path(entry.path);
			else
				FUZZ_CHECK(entry.path[0] == '\0');
			FUZZ_CHECK(bundle_writer_add(&writer, entry.kind,
						     entry.status, entry.path,
						     entry.data, entry.len,
						     &e) == 0);
		}
	}
	FUZZ_CHECK(more == 0 || e.text[0] != '\0');
	if (more == 0 && writer.count > 0)
		FUZZ_CHECK(writer.len == len &&
			   memcmp(writer.data, data, len) == 0);
	bundle_writer_done(&writer);
	return more == 0;
}

/* Each file of an accepted bundle is there with its bytes. */
static void
check_unpacked(int work_fd, const uint8_t *data, size_t len)
{
	struct bundle_reader reader;
	struct bundle_entry entry;
	struct err e = ERR_INIT;

	FUZZ_CHECK(bundle_reader_init(&reader, data, len, &e) == 0);
	while (bundle_reader_next(&reader, &entry, &e) > 0) {
		owned_fd int fd = -1;
		owned_mem char *bytes = NULL;
		struct stat st;

		if (entry.kind != BUNDLE_FILE)
			continue;
		fd = openat(work_fd, entry.path,
			    O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		FUZZ_CHECK(fd >= 0 && fstat(fd, &st) == 0);
		FUZZ_CHECK(S_ISREG(st.st_mode) &&
			   (st.st_mode & 07777) == 0644 &&
			   (size_t)st.st_size == entry.len);
		bytes = malloc(entry.len + 1);
		FUZZ_CHECK(bytes != NULL &&
			   fd_read_full(fd, bytes, entry.len) ==
				   (ssize_t)entry.len);
		FUZZ_CHECK(memcmp(bytes, entry.data, entry.len) == 0);
	}
}

static void
make_work(struct jail *jail)
{
	FUZZ_CHECK(mkdirat(top_fd, "work", 0755) == 0);
	jail->work_fd =
		openat(top_fd, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(jail->work_fd >= 0);
	FUZZ_CHECK(symlinkat("../outside", jail->work_fd, "link") == 0);
	FUZZ_CHECK(symlinkat("..", jail->work_fd, "up") == 0);
	FUZZ_CHECK(symlinkat("../outside/new", jail->work_fd, "n") == 0);
	FUZZ_CHECK(symlinkat(top, jail->work_fd, "abs") == 0);
	FUZZ_CHECK(mkdirat(jail->work_fd, "dir", 0755) == 0);
	jail->job_fd = openat(top_fd, "work/.job",
			      O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
	FUZZ_CHECK(jail->job_fd >= 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct jail jail = {.work_fd = -1, .job_fd = -1};
	owned_fd int bundle = -1;
	struct err e = ERR_INIT;
	bool is_good;
	uint64_t open_fds;

	if (len == 0 || len > (1u << 20))
		return -1;
	is_good = check_reader(data, len);
	FUZZ_CHECK(fd_memfd_sealed("bundle", data, len, &bundle, &e) == 0);
	make_work(&jail);
	open_fds = fuzz_open_fds();
	if (unpack_bundle(&jail, bundle, &e) == 0) {
		FUZZ_CHECK(is_good && jail.job_fd < 0);
		check_unpacked(jail.work_fd, data, len);
	} else {
		FUZZ_CHECK(e.text[0] != '\0');
		if (jail.job_fd >= 0)
			FUZZ_CHECK(fuzz_open_fds() == open_fds);
	}
	fd_close(&jail.job_fd);
	fd_close(&jail.work_fd);
	free(jail.collect);
	(void)empty_folder(top_fd, "work");
	FUZZ_CHECK(unlinkat(top_fd, "work", AT_REMOVEDIR) == 0);
	check_outside();
	return 0;
}
