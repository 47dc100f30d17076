/* SPDX-License-Identifier: MIT */
/* Landlock through its system calls, since the C library and older headers lack parts of it. */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	FS_READ =
		LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	FS_ABI1 = (1 << 13) - 1, /* execute .. make_sym */
	FS_REFER = 1 << 13,
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	FS_FILE = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
	          LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE,
	NET_TCP = 3,   /* bind, connect */
	SCOPE_ALL = 3, /* abstract sockets, signals */
};

struct ruleset {
	uint64_t fs, net, scoped;
};

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1u /* version */);

	return abi > 0 ? (int)abi : 0;
}

static uint64_t handled(int abi)
{
	return FS_ABI1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
	       (abi >= 5 ? FS_IOCTL_DEV : 0);
}

static int allow(int set, const char *path, uint64_t access, struct err *e)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};
	long rc;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT ? 0 : err_set(e, "landlock: %s: %s", path, strerror(errno));
	rc = syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	if (rc && errno == EINVAL)      /* directory rights are invalid for a file */
		rc = (rule.allowed_access &= FS_FILE,
		      syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
	if (rc)
		err_set(e, "landlock: %s: %s", path, strerror(errno));
	close(rule.parent_fd);
	return rc ? -1 : 0;
}

int landlock_enter(const struct landlock_paths *p, struct err *e)
{
	int abi = landlock_abi(), set, rc = -1;
	struct ruleset r = {handled(abi), abi >= 4 ? NET_TCP : 0, abi >= 6 ? SCOPE_ALL : 0};
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;

	if (!abi)
		return err_set(e, "the kernel has no Landlock");
	set = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (set < 0)
		return err_set(e, "landlock: %s", strerror(errno));
	for (size_t i = 0; i < p->read.n; i++)
		if (allow(set, p->read.path[i], FS_READ, e))
			goto out;
	for (size_t i = 0; i < p->list.n; i++)
		if (allow(set, p->list.path[i], LANDLOCK_ACCESS_FS_READ_DIR, e))
			goto out;
	for (const char *const *w = p->write; *w; w++)
		if (allow(set, *w, r.fs & ~(uint64_t)(FS_REFER | FS_IOCTL_DEV), e))
			goto out;
	if (syscall(SYS_landlock_restrict_self, set, 0))
		err_set(e, "landlock: %s", strerror(errno));
	else
		rc = 0;
out:
	close(set);
	return rc;
}
