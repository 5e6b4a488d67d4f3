/* SPDX-License-Identifier: Apache-2.0 */
/*
 * B06: open files by handle, past all mounts ("shocker"): the handle of a file
 * in reach, and one made up for the root inode of its file system.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "attempt.h"

int
main(void)
{
	union {
		struct file_handle head;
		unsigned char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int mount_id, dir;

	setvbuf(stdout, NULL, _IONBF, 0);
	dir = open("/usr/bin", O_RDONLY | O_DIRECTORY);
	attempt_call("name_to_handle_at",
		     syscall(SYS_name_to_handle_at, dir, "", &handle, &mount_id,
			     AT_EMPTY_PATH));
	attempt_call("open_by_handle_at",
		     syscall(SYS_open_by_handle_at, dir, &handle, O_RDONLY));
	/* ext4: 32 bits of inode number, 2 is the root, and a generation. */
	handle.head.handle_bytes = 8;
	handle.head.handle_type = 1;
	memcpy(handle.head.f_handle, (const uint32_t[]){2, 0}, 8);
	attempt_call("open_by_handle_at-root",
		     syscall(SYS_open_by_handle_at, dir, &handle, O_RDONLY));
	return 0;
}
