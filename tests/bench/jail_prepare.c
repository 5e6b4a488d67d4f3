/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drive one jail without a supervisor: spawn, prepare, gate, run, collect.
 *
 *   jail_prepare JAIL_INIT ROUNDS             time the parts, one JSON line
 *   jail_prepare JAIL_INIT script FILE [PATH...]
 *                run FILE with sh in a jail, its output on ours, and print
 *                what was collected from PATH...
 *
 * The policy is made up here and allows all calls but the mount family and
 * ptrace; it exercises jail/, it is no example of a policy.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/bundle.h"
#include "jail/jail.h"
#include "jail/spawn.h"
#include "jail/spec.h"
#include "supervisor/base/clock.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"

#define UID_BASE 1879990000u
#define ROUNDS_MAX 10000

static const char harness[] = "#!/bin/sh\n"
			      "printf R >&4\n"
			      "dd bs=1 count=1 <&4 >/dev/null 2>&1\n"
			      "exec 4>&-\n"
			      "exec sh /work/job.sh\n";

static const struct policy_mount mounts[] = {
	{.source = "/usr", .target = "/usr"},
	{.source = "/etc/ld.so.cache", .target = "/etc/ld.so.cache"},
	{.source = "/etc/alternatives", .target = "/etc/alternatives"},
	{.source = "/nowhere",
	 .target = "/nowhere",
	 .flags = POLICY_MOUNT_OPTIONAL},
	{.source = "/dev/null",
	 .target = "/dev/null",
	 .flags = POLICY_MOUNT_DEVICE,
	 .dev_major = 1,
	 .dev_minor = 3},
	{.source = "/dev/urandom",
	 .target = "/dev/urandom",
	 .flags = POLICY_MOUNT_DEVICE,
	 .dev_major = 1,
	 .dev_minor = 9},
};

static struct policy policy = {
	.magic = POLICY_MAGIC,
	.size = sizeof(policy),
	.name = "driver",
	.limits = {.wall_ms = 60000,
		   .memory_bytes = 1u << 30,
		   .output_bytes = 1u << 20,
		   .collect_bytes = 4096,
		   .file_bytes = 64u << 20,
		   .stack_bytes = 8u << 20,
		   .pids = 64,
		   .cpu_percent = 100,
		   .nofile = 256},
	.landlock_abi_min = 1,
	.tmpfs = {{"/work", 32u << 20, 4096, 0755, 0},
		  {"/tmp", 32u << 20, 4096, 01777, 0},
		  {"/dev/shm", 8u << 20, 256, 01777, 1}},
	.tmpfs_len = 3,
	.symlinks = {{"usr/bin", "/bin"},
		     {"usr/lib", "/lib"},
		     {"usr/lib64", "/lib64"},
		     {"/proc/self/fd", "/dev/fd"}},
	.symlinks_len = 4,
	.env = {"PATH=/usr/bin", "HOME=/work", "LANG=C.UTF-8"},
	.env_len = 3,
	.audit = {{SYS_ptrace, EPERM, "ptrace"}},
	.audit_len = 1,
};

static struct runtime runtime = {
	.magic = RUNTIME_MAGIC,
	.size = sizeof(runtime),
	.name = "driver",
	.code_path = "job.sh",
	.tests_path = "test.sh",
	.argv_len = 2,
	.env_len = 1,
	.argv = {"/bin/sh", "/opt/runtime/harness"},
	.env = {"RUNTIME=driver"},
};

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* A refused family, an audited call, foreign architectures killed. */
static void
make_filter(void)
{
	static const uint32_t refused[] = {
		SYS_mount,	SYS_umount2,   SYS_fsopen, SYS_fsmount,
		SYS_pivot_root, SYS_unshare,   SYS_setns,  SYS_keyctl,
		SYS_open_tree,	SYS_move_mount};
	struct sock_filter *at = policy.bpf;

	*at++ = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					     AUDIT_ARCH_X86_64, 1, 0);
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					     SECCOMP_RET_KILL_PROCESS);
	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, nr));
	*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					     SYS_ptrace, 0, 1);
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					     SECCOMP_RET_USER_NOTIF);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						     refused[i], 0, 1);
		*at++ = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					     SECCOMP_RET_ALLOW);
	policy.bpf_len = (uint32_t)(at - policy.bpf);
}

/* A detached read-only copy of what lies at path, as the supervisor makes. */
static int
lend(const char *path, uint32_t flags)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY |
					      MOUNT_ATTR_NOSUID};
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 && (flags & POLICY_MOUNT_OPTIONAL) != 0)
		return -1;
	if ((flags & POLICY_MOUNT_DEVICE) == 0)
		attr.attr_set |= MOUNT_ATTR_NODEV;
	if (fd < 0 ||
	    mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		die("%s: %s", path, strerrordesc_np(errno));
	return fd;
}

static char harness_dir[] = "/tmp/jail-driver.XXXXXX";

struct driver {
	int init_fd, proc_fd;
	int policy_fd, runtime_fd;
};

struct run {
	int control, gate;
	int in, out, err, result; /* our ends */
	struct jail_process process;
	int payload; /* pidfd */
	int listener;
	uint64_t spawned_us, filtered_us, ready_us, ended_us;
};

/* At exit, also that of die(). */
static void
remove_harness(void)
{
	char path[64];

	(void)str_printf(path, sizeof(path), "%s/harness", harness_dir);
	(void)unlink(path);
	(void)rmdir(harness_dir);
}

static void
driver_init(struct driver *d, const char *init_path)
{
	struct err e = ERR_INIT;
	owned_mem char *bytes = NULL;
	char path[64];
	size_t len;
	int fd;

	make_filter();
	policy.mounts_len = ARRAY_LEN(mounts);
	memcpy(policy.mounts, mounts, sizeof(mounts));
	if (fd_read_file(AT_FDCWD, init_path, 16u << 20, &bytes, &len, &e) <
		    0 ||
	    fd_memfd_sealed("jail-init", bytes, len, &d->init_fd, &e) < 0 ||
	    fd_memfd_sealed("policy", &policy, sizeof(policy), &d->policy_fd,
			    &e) < 0 ||
	    fd_memfd_sealed("runtime", &runtime, sizeof(runtime),
			    &d->runtime_fd, &e) < 0)
		die("%s", e.text);
	d->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdtemp(harness_dir) == NULL || atexit(remove_harness) != 0 ||
	    chmod(harness_dir, 0755) < 0)
		die("make %s", harness_dir);
	(void)str_printf(path, sizeof(path), "%s/harness", harness_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0 || fd_write_all(fd, harness, sizeof(harness) - 1) < 0)
		die("write %s", path);
	(void)close(fd);
}

static void
make_pipe(int *ret_read, int *ret_write)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		die("pipe");
	*ret_read = fd[0];
	*ret_write = fd[1];
}

static void
make_pair(int *ret_ours, int *ret_theirs)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		die("socketpair");
	*ret_ours = fd[0];
	*ret_theirs = fd[1];
}

static void
expect(const struct run *r, enum jail_message_type type,
       struct jail_message *ret, int *ret_fd)
{
	struct err e = ERR_INIT;
	int rc = control_recv(r->control, ret, ret_fd, &e);

	if (rc == 0)
		die("jail-init is gone");
	if (rc < 0)
		die("%s", e.text);
	if (ret->type == JAIL_MSG_FAILED)
		die("jail: %s: %s%s%s", jail_stage_name(ret->stage),
		    ret->detail, ret->errnum != 0 ? ": " : "",
		    ret->errnum != 0 ? strerrordesc_np(ret->errnum) : "");
	if (ret->type != (uint32_t)type)
		die("message %u instead of %d", ret->type, (int)type);
}

/* The gate's end of file is a failure whose cause comes as a message. */
static void
expect_gate(const struct run *r, char want, unsigned char *buf, size_t size)
{
	struct jail_message msg;
	ssize_t n = read(r->gate, buf, size);
	int fd = -1;

	if (n >= 1 && buf[0] == (unsigned char)want)
		return;
	expect(r, JAIL_MSG_COUNT, &msg, &fd);
	die("gate: no %c", want);
}

static void
spawn(const struct driver *d, struct run *r)
{
	struct jail_spawn_request req;
	int fds[ARRAY_LEN(mounts)];
	struct err e = ERR_INIT;

	jail_spawn_request_init(&req);
	req.init_fd = d->init_fd;
	req.proc_fd = d->proc_fd;
	req.uid_base = UID_BASE;
	req.fd[JAIL_FD_POLICY] = d->policy_fd;
	req.fd[JAIL_FD_RUNTIME] = d->runtime_fd;
	make_pair(&r->control, &req.fd[JAIL_FD_CONTROL]);
	req.control_fd = r->control;
	make_pair(&r->gate, &req.fd[JAIL_FD_GATE]);
	make_pipe(&req.fd[JAIL_FD_STDIN], &r->in);
	make_pipe(&r->out, &req.fd[JAIL_FD_STDOUT]);
	make_pipe(&r->err, &req.fd[JAIL_FD_STDERR]);
	make_pipe(&r->result, &req.fd[JAIL_FD_RESULT]);
	req.fd[JAIL_FD_HARNESS] = lend(harness_dir, 0);
	for (size_t i = 0; i < ARRAY_LEN(mounts); i++)
		fds[i] = lend(mounts[i].source, mounts[i].flags);
	req.mount_fds = fds;
	req.mounts_len = ARRAY_LEN(mounts);
	if (jail_spawn(&req, &r->process, &e) < 0)
		die("%s", e.text);
	for (int i = JAIL_FD_CONTROL; i < JAIL_FD_MOUNT0; i++)
		if (i != JAIL_FD_POLICY && i != JAIL_FD_RUNTIME)
			fd_close(&req.fd[i]);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_close(&fds[i]);
}

static void
prepare(const struct driver *d, struct run *r)
{
	uint64_t start_us = clock_mono_us();
	struct jail_message msg;
	unsigned char buf[8];
	uint32_t n;

	spawn(d, r);
	r->spawned_us = clock_mono_us() - start_us;
	expect(r, JAIL_MSG_PAYLOAD, &msg, &r->payload);
	expect_gate(r, GATE_FILTERED, buf, sizeof(buf));
	n = (uint32_t)buf[1] | (uint32_t)buf[2] << 8 | (uint32_t)buf[3] << 16 |
	    (uint32_t)buf[4] << 24;
	r->listener = (int)syscall(SYS_pidfd_getfd, r->payload, (int)n, 0);
	if (r->listener < 0)
		die("take listener: %s", strerrordesc_np(errno));
	r->filtered_us = clock_mono_us() - start_us;
	if (write(r->gate, (char[]){GATE_EXEC}, 1) != 1)
		die("open gate");
	expect_gate(r, GATE_READY, buf, sizeof(buf));
	r->ready_us = clock_mono_us() - start_us;
}

static void
send_bundle(const struct run *r, const char *script, size_t len, char **paths)
{
	struct jail_message msg = {.type = JAIL_MSG_RUN};
	static const char manifest[] = "mode=run\0code=job.sh";
	struct bundle_writer w;
	struct err e = ERR_INIT;
	int fd = -1, none = -1;

	bundle_writer_init(&w, 16u << 20);
	if (bundle_writer_add(&w, BUNDLE_MANIFEST, BUNDLE_OK, "", manifest,
			      sizeof(manifest), &e) < 0 ||
	    bundle_writer_add(&w, BUNDLE_FILE, BUNDLE_OK, "job.sh", script, len,
			      &e) < 0)
		die("%s", e.text);
	for (; *paths != NULL; paths++)
		if (bundle_writer_add(&w, BUNDLE_COLLECT, BUNDLE_OK, *paths,
				      NULL, 0, &e) < 0)
			die("%s", e.text);
	if (fd_memfd_sealed("bundle", w.data, w.len, &fd, &e) < 0 ||
	    control_send(r->control, &msg, fd, &e) < 0)
		die("%s", e.text);
	bundle_writer_done(&w);
	fd_close(&fd);
	expect(r, JAIL_MSG_UNPACKED, &msg, &none);
}

static void
deny(const struct run *r)
{
	struct seccomp_notif_resp resp = {.error = -EPERM};
	struct seccomp_notif req = {0};

	if (ioctl(r->listener, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
		return;
	printf("denied: call %d of pid %u\n", req.data.nr, req.pid);
	resp.id = req.id;
	(void)ioctl(r->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

/* Copy what is there; false at the end. */
static bool
copy_some(int from, int to)
{
	char buf[4096];
	ssize_t n = read(from, buf, sizeof(buf));

	return n > 0 && fd_write_all(to, buf, (size_t)n) == 0;
}

/* Until the payload has ended. */
static void
pump(struct run *r)
{
	struct pollfd p[] = {{.fd = r->out, .events = POLLIN},
			     {.fd = r->err, .events = POLLIN},
			     {.fd = r->listener, .events = POLLIN},
			     {.fd = r->control, .events = POLLIN}};

	for (;;) {
		if (poll(p, ARRAY_LEN(p), -1) < 0)
			die("poll");
		if ((p[2].revents & POLLIN) != 0)
			deny(r);
		else if (p[2].revents != 0)
			p[2].fd = -1; /* nobody is left under the filter */
		if (p[0].revents != 0 && !copy_some(r->out, STDOUT_FILENO))
			p[0].fd = -1;
		if (p[1].revents != 0 && !copy_some(r->err, STDERR_FILENO))
			p[1].fd = -1;
		if (p[3].revents != 0 && p[0].revents == 0 && p[1].revents == 0)
			return;
	}
}

static void
show_collected(int fd)
{
	static const char *const names[] = {"ok", "missing", "not regular",
					    "too large", "unreadable"};
	struct bundle_reader reader;
	struct bundle_entry entry;
	struct err e = ERR_INIT;
	static char bytes[1u << 20];
	ssize_t n = fd_read_full(fd, bytes, sizeof(bytes));
	int more;

	if (n < 0 || bundle_reader_init(&reader, bytes, (size_t)n, &e) < 0)
		die("collected: %s", e.text);
	while ((more = bundle_reader_next(&reader, &entry, &e)) == 1)
		printf("collected %s: %s, %zu bytes\n", entry.path,
		       names[entry.status], entry.len);
	if (more < 0)
		die("collected: %s", e.text);
}

static int
finish(struct run *r, uint64_t start_us)
{
	struct jail_message msg;
	struct err e = ERR_INIT;
	int collected = -1, status;

	/* EXITED comes only when there is more to do than to say so. */
	if (control_recv(r->control, &msg, &collected, &e) != 1)
		die("jail-init is gone");
	status = msg.wait_status;
	if (msg.type == JAIL_MSG_EXITED)
		expect(r, JAIL_MSG_COLLECTED, &msg, &collected);
	else if (msg.type != JAIL_MSG_COLLECTED)
		die("message %u at the end", msg.type);
	if (waitpid(r->process.pid, NULL, 0) != r->process.pid)
		die("reap jail-init");
	r->ended_us = clock_mono_us() - start_us;
	if (collected >= 0)
		show_collected(collected);
	fd_close(&collected);
	for (int *fds[] = {&r->control, &r->gate, &r->in, &r->out, &r->err,
			   &r->result, &r->payload, &r->listener,
			   &r->process.pidfd, NULL},
		 **at = fds;
	     *at != NULL; at++)
		fd_close(*at);
	return status;
}

static int
run_one(const struct driver *d, struct run *r, const char *script, size_t len,
	char **paths)
{
	uint64_t start_us = clock_mono_us();

	prepare(d, r);
	send_bundle(r, script, len, paths);
	fd_close(&r->in);
	if (write(r->gate, (char[]){GATE_GO}, 1) != 1)
		die("open gate");
	pump(r);
	return finish(r, start_us);
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static double
percentile_ms(const uint64_t *us, size_t n, size_t percent)
{
	size_t at = n * percent / 100;

	return (double)us[at] / 1000.0;
}

static void
show_times(const char *name, uint64_t *us, size_t n)
{
	qsort(us, n, sizeof(*us), compare_u64);
	printf("{\"bench\":\"jail_%s\",\"n\":%zu,\"p50_ms\":%.3f,"
	       "\"p95_ms\":%.3f,\"min_ms\":%.3f}\n",
	       name, n, percentile_ms(us, n, 50), percentile_ms(us, n, 95),
	       percentile_ms(us, n, 0));
}

static int
measure(const struct driver *d, size_t rounds)
{
	static uint64_t spawned[ROUNDS_MAX], filtered[ROUNDS_MAX],
		ready[ROUNDS_MAX], ended[ROUNDS_MAX];
	char *none[] = {NULL};

	for (size_t i = 0; i < rounds; i++) {
		struct run r = {0};

		if (run_one(d, &r, "exit 7\n", 7, none) != 7 << 8)
			die("round %zu: wrong exit status", i);
		spawned[i] = r.spawned_us;
		filtered[i] = r.filtered_us;
		ready[i] = r.ready_us;
		ended[i] = r.ended_us;
	}
	show_times("spawned", spawned, rounds);
	show_times("filtered", filtered, rounds);
	show_times("ready", ready, rounds);
	show_times("ended", ended, rounds);
	return 0;
}

static int
run_script(const struct driver *d, const char *path, char **paths)
{
	struct err e = ERR_INIT;
	owned_mem char *script = NULL;
	struct run r = {0};
	size_t len;
	int status;

	if (fd_read_file(AT_FDCWD, path, 1u << 20, &script, &len, &e) < 0)
		die("%s", e.text);
	status = run_one(d, &r, script, len, paths);
	printf("wait status 0x%x\n", (unsigned)status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int
main(int argc, char **argv)
{
	struct driver d;
	uint64_t rounds = 0;

	if (argc < 3 || (strcmp(argv[2], "script") == 0 && argc < 4) ||
	    (strcmp(argv[2], "script") != 0 &&
	     (str_to_u64(argv[2], ROUNDS_MAX, &rounds) < 0 || rounds == 0)))
		die("usage: jail_prepare JAIL_INIT ROUNDS | script FILE "
		    "[PATH...]");
	setvbuf(stdout, NULL, _IOLBF, 0);
	(void)setgroups(0, NULL);
	policy.has_loopback = getenv("LOOPBACK") != NULL;
	driver_init(&d, argv[1]);
	return rounds > 0 ? measure(&d, rounds)
			  : run_script(&d, argv[3], argv + 4);
}
