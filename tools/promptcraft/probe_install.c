/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_install.c - is the program itself complete: jail-init, the policies,
 * the runtimes with what they need from the host, and the supervisor?
 *
 * Policies and runtimes are loaded by promptcraft-policyc, the same program
 * the supervisor uses, so what it refuses is refused here with its words.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "policy/policy.h"
#include "supervisor/base/fd.h"
#include "supervisor/base/str.h"
#include "supervisor/wire/client.h"
#include "tools/promptcraft/probe.h"

#define DIR_SIZE PROBE_DIR_SIZE

void
probe_find_exe(struct report *r)
{
	ssize_t len =
		readlink("/proc/self/exe", r->exe_dir, sizeof(r->exe_dir) - 1);
	r->exe_dir[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(r->exe_dir, '/');
	if (slash != NULL)
		*slash = '\0';
}

bool
probe_find_places(const struct report *r, struct probe_places *p)
{
	const char *exe = r->exe_dir;
	char probe[DIR_SIZE + 16];
	if (exe[0] == '\0')
		return false;
	if (str_printf(probe, sizeof(probe), "%s/jail-init", exe) == 0 &&
	    access(probe, F_OK) == 0)
		return str_copy(p->libexec, sizeof(p->libexec), exe) == 0 &&
		       str_printf(p->runtimes, sizeof(p->runtimes),
				  "%s/runtimes", exe) == 0 &&
		       str_printf(p->policy, sizeof(p->policy), "%s/policy",
				  exe) == 0;
	return str_copy(p->libexec, sizeof(p->libexec),
			"/usr/lib/promptcraft") == 0 &&
	       str_copy(p->runtimes, sizeof(p->runtimes),
			"/usr/lib/promptcraft/runtimes") == 0 &&
	       str_copy(p->policy, sizeof(p->policy),
			"/etc/promptcraft/policy") == 0;
}

/* Is it an ELF program that needs no dynamic linker? */
static int
check_static(const char *path, const char **ret_problem)
{
	owned_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr head;
	*ret_problem = "is not an x86_64 ELF program";
	if (fd == -1)
		return errno;
	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_machine != EM_X86_64 || head.e_phnum > 64)
		return ENOEXEC;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		Elf64_Phdr part;
		off_t at = (off_t)(head.e_phoff + i * sizeof(part));
		if (pread(fd, &part, sizeof(part), at) != (ssize_t)sizeof(part))
			return ENOEXEC;
		if (part.p_type == PT_INTERP) {
			*ret_problem = "is linked dynamically";
			return ENOEXEC;
		}
	}
	return 0;
}

static void
probe_jail_init(struct report *r, const struct probe_places *p)
{
	struct layer *l = report_add(r, "jail-init");
	char path[DIR_SIZE + 16];
	const char *problem = "";
	(void)str_printf(path, sizeof(path), "%s/jail-init", p->libexec);
	int error = check_static(path, &problem);
	if (error == 0) {
		layer_detail(l, "%.160s, static", path);
	} else {
		layer_fail(l, LAYER_MISSING, "%.200s %s", path,
			   error == ENOEXEC ? problem : strerrordesc_np(error));
		layer_fix(l, "make && sudo make install");
	}
}

/* ---- promptcraft-policyc --------------------------------------------- */

static _Noreturn void
exec_policyc(const char *const argv[], int out, int err_out)
{
	owned_fd int null = open("/dev/null", O_RDONLY);
	if (dup2(null, STDIN_FILENO) == -1 || dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(err_out, STDERR_FILENO) == -1)
		_exit(127);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/*
 * Run it and read the compiled struct into dst[size].  On failure complaint
 * has its first line of stderr.
 */
static int
run_policyc(const char *const argv[], void *dst, size_t size, char *complaint,
	    size_t complaint_size)
{
	owned_fd int text = memfd_create("policyc-stderr", MFD_CLOEXEC);
	owned_fd int data = memfd_create("policyc-stdout", MFD_CLOEXEC);
	int status = 0;
	(void)str_copy(complaint, complaint_size, "could not run it");
	if (text == -1 || data == -1)
		return -1;
	pid_t pid = fork();
	if (pid == -1)
		return -1;
	if (pid == 0)
		exec_policyc(argv, data, text);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		ssize_t len = pread(text, complaint, complaint_size - 1, 0);
		complaint[len > 0 ? len : 0] = '\0';
		complaint[strcspn(complaint, "\n")] = '\0';
		return -1;
	}
	if (pread(data, dst, size, 0) != (ssize_t)size) {
		(void)str_copy(complaint, complaint_size,
			       "its output has an odd size");
		return -1;
	}
	return 0;
}

static void
probe_policy(struct report *r, const struct probe_places *p, const char *file)
{
	struct layer *l = report_add(r, file);
	char program[DIR_SIZE + 32], sets[DIR_SIZE + 32], path[2 * DIR_SIZE];
	char complaint[256], hash[2 * POLICY_SHA256_SIZE + 1];
	static struct policy policy; /* tens of kilobytes */
	(void)str_printf(program, sizeof(program), "%s/promptcraft-policyc",
			 p->libexec);
	(void)str_printf(sets, sizeof(sets), "%s/sets", p->policy);
	(void)str_printf(path, sizeof(path), "%s/profiles/%s", p->policy, file);
	(void)str_printf(l->name, sizeof(l->name), "policy %.32s", file);
	const char *const argv[] = {program, "policy", "--sets",
				    sets,    path,     NULL};
	if (run_policyc(argv, &policy, sizeof(policy), complaint,
			sizeof(complaint)) == -1) {
		layer_fail(l, LAYER_MISSING, "%.250s", complaint);
		layer_fix(l, "correct the file, or install it again");
		return;
	}
	str_hex(hash, policy.sha256, sizeof(policy.sha256));
	layer_detail(l,
		     "%u calls allowed, %u filter instructions, sha256 %.16s",
		     policy.syscalls_allowed, policy.bpf_len, hash);
}

static void
probe_runtime(struct report *r, const struct probe_places *p,
	      const char *folder)
{
	struct layer *l = report_add(r, folder);
	char program[DIR_SIZE + 32], path[2 * DIR_SIZE], complaint[256];
	struct runtime runtime = {0};
	l->is_required = false; /* the other runtimes work without it */
	(void)str_printf(program, sizeof(program), "%s/promptcraft-policyc",
			 p->libexec);
	(void)str_printf(path, sizeof(path), "%s/%s", p->runtimes, folder);
	(void)str_printf(l->name, sizeof(l->name), "runtime %.32s", folder);
	const char *const argv[] = {program, "runtime", path, NULL};
	if (run_policyc(argv, &runtime, sizeof(runtime), complaint,
			sizeof(complaint)) == -1) {
		layer_fail(l, LAYER_MISSING, "%.250s", complaint);
		layer_fix(l, "correct its runtime.ini, or install it again");
		return;
	}
	for (size_t i = 0;
	     i < runtime.requires_len && i < ARRAY_LEN(runtime.requires_path);
	     i++) {
		const char *need = runtime.requires_path[i];
		if (access(need, F_OK) == 0)
			continue;
		layer_fail(l, LAYER_MISSING, "%.127s is not there", need);
		layer_fix(l, "sudo tools/bootstrap, or install the package "
			     "that has it");
		return;
	}
	layer_detail(l, "%.127s", runtime.description);
}

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Each entry of dir that ends in suffix, by name; returns how many. */
static int
probe_each(struct report *r, const struct probe_places *p, const char *dir,
	   const char *suffix,
	   void (*probe)(struct report *, const struct probe_places *,
			 const char *))
{
	struct dirent **list = NULL;
	int count = scandir(dir, &list, is_visible, alphasort), probed = 0;
	for (int i = 0; i < count; i++) {
		const char *name = list[i]->d_name;
		size_t len = strlen(name), tail = strlen(suffix);
		if (len > tail && strcmp(name + len - tail, suffix) == 0 &&
		    r->len + 2 < LAYERS_MAX) {
			probe(r, p, name);
			probed++;
		}
		free(list[i]);
	}
	free(list);
	return probed;
}

static void
probe_files(struct report *r, const struct probe_places *p)
{
	char profiles[DIR_SIZE + 32];
	probe_jail_init(r, p);
	(void)str_printf(profiles, sizeof(profiles), "%s/profiles", p->policy);
	if (probe_each(r, p, profiles, ".policy", probe_policy) == 0) {
		struct layer *l = report_add(r, "policies");
		layer_fail(l, LAYER_MISSING, "no *.policy in %.200s", profiles);
		layer_fix(l, "make && sudo make install");
	}
	if (probe_each(r, p, p->runtimes, "", probe_runtime) == 0) {
		struct layer *l = report_add(r, "runtimes");
		layer_fail(l, LAYER_MISSING, "no runtime in %.200s",
			   p->runtimes);
		layer_fix(l, "make && sudo make install");
	}
}

/* ---- the supervisor -------------------------------------------------- */

static void
probe_supervisor(struct report *r)
{
	struct layer *l = report_add(r, "supervisor");
	struct proto_hello_reply hello;
	struct err e = ERR_INIT;
	if (client_hello(r->cli->socket, &hello, &e) == -1) {
		layer_fail(l, LAYER_MISSING, "%.190s", e.text);
		layer_fix(
			l,
			"start it (systemctl start promptcraft-supervisor; for "
			"a trial: tools/stack up DIR), or name its socket "
			"with --socket");
		/* Probing a machine before the first start is fine. */
		l->is_required = r->cli->is_socket_named;
	} else if (hello.is_ready == 0) {
		layer_fail(l, LAYER_MISSING, "it refuses jobs: %.190s",
			   hello.cause.text);
		layer_fix(l, "see the layers above and its log, then restart "
			     "it");
	} else {
		layer_detail(l,
			     "%.31s, %u of %u slots free, %u policies, %u "
			     "runtimes, cgroup v%u, Landlock ABI %u",
			     hello.version, hello.slots_free, hello.slots_total,
			     hello.policies, hello.runtimes,
			     hello.cgroup_version, hello.landlock_abi);
	}
}

void
probe_install(struct report *r)
{
	struct probe_places p;
	if (probe_find_places(r, &p)) {
		probe_files(r, &p);
	} else {
		struct layer *l = report_add(r, "installation");
		layer_fail(l, LAYER_MISSING, "/proc/self/exe is not readable");
		layer_fix(l, "mount proc at /proc");
	}
	probe_supervisor(r);
}
