/* SPDX-License-Identifier: MIT */
/* A store's directory: its file system, the writer's lock, disk blocks. */
#include "store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

void place_file(struct buf *path, const char *dir, const char *name)
{
	buf_clear(path);
	buf_addf(path, "%s/%s", dir, name);
}

/*
 * LMDB needs a shared map and mutexes in shared memory, which work within one machine only. Numbers
 * are from statfs(2) and linux/magic.h.
 */
const char *place_network(unsigned long magic)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} table[] = {
		{0x6969, "NFS"}, {0x517b, "SMB"}, {0xff534d42, "CIFS"}, {0xfe534d42, "SMB"},
		{0x01021997, "9P"}, {0x73757245, "Coda"}, {0x5346414f, "AFS"}, {0x6b414653, "AFS"},
		{0x564c, "NCP"}, {0x00c36400, "Ceph"}, {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"},
		{0xaad7aaea, "PanFS"}, {0x19830326, "BeeGFS"}, {0x20030528, "OrangeFS"},
		{0x01161970, "GFS2"}, {0x7461636f, "OCFS2"}, {0x786f4256, "vboxsf"}, {0xbacbacbc, "vmhgfs"},
	};

	for (size_t i = 0; i < LEN(table); i++)
		if (table[i].magic == (magic & 0xffffffff))
			return table[i].name;
	return NULL;
}

int place_local(const char *dir, struct err *e)
{
	struct statfs fs;
	const char *name;

	if (statfs(dir, &fs))
		return err_set(e, "%s: %s", dir, strerror(errno));
	name = place_network((unsigned long)fs.f_type);
	if (name)
		return err_set(e,
		               "%s: is on a network file system (%s); a store needs memory maps and locks "
		               "that all its users share: put it on a local disk",
		               dir, name);
	return 0;
}

/*
 * flock, since LMDB's own mutex would wait. The lock belongs to the open file, so it is released
 * however the process ends. The pid in the file is only for the message.
 */
int place_lock(const char *dir, int *fd, struct err *e)
{
	struct buf path = {0};
	char who[32] = "";
	int n, rc = -1;

	place_file(&path, dir, "writer.lock");
	*fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (*fd < 0) {
		err_set(e, "%s: %s", path.data, strerror(errno));
		goto out;
	}
	if (flock(*fd, LOCK_EX | LOCK_NB)) {
		ssize_t got = errno == EWOULDBLOCK ? pread(*fd, who, sizeof who - 1, 0) : -1;

		if (errno != EWOULDBLOCK && got < 0)
			err_set(e, "%s: %s", path.data, strerror(errno));
		else if (got <= 0)
			err_set(e, "%s: another process is writing to this store", dir);
		else
			err_set(e, "%s: another process is writing to this store: pid %.*s", dir,
			        (int)strcspn(who, "\n"), who);
		close(*fd);
		*fd = -1;
		goto out;
	}
	n = snprintf(who, sizeof who, "%ld\n", (long)getpid());
	/* if the disk is full, only the message lacks the pid */
	if (pwrite(*fd, who, (size_t)n, 0) == n && ftruncate(*fd, n))
		rc = err_set(e, "%s: %s", path.data, strerror(errno));
	else
		rc = 0;
	if (rc) {
		close(*fd);
		*fd = -1;
	}
out:
	buf_release(&path);
	return rc;
}

int place_gate(const char *dir)
{
	struct buf path = {0};
	int fd;

	place_file(&path, dir, "data.mdb");
	fd = open(path.data, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
		;
	buf_release(&path);
	return fd;
}

static int allocate(int fd, uint64_t from, uint64_t to)
{
	int rc;

	do
		rc = posix_fallocate(fd, (off_t)from, (off_t)(to - from));
	while (rc == EINTR);
	return rc;
}

int place_readers(const char *dir, struct err *e)
{
	enum { SIZE = 64 * 1024 };           /* enough for about a thousand readers */
	struct buf path = {0}, fresh = {0};
	int fd, rc = 0;

	place_file(&path, dir, "lock.mdb");
	if (!access(path.data, F_OK))
		goto out;
	/* the file must appear in full size, since LMDB uses the size it finds */
	buf_addf(&fresh, "%s.%ld", path.data, (long)getpid());
	fd = open(fresh.data, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		rc = err_set(e, "%s: %s", fresh.data, strerror(errno));
		goto out;
	}
	rc = allocate(fd, 0, SIZE);
	close(fd);
	if (!rc && link(fresh.data, path.data) && errno != EEXIST)
		rc = errno;
	unlink(fresh.data);
	if (rc)
		rc = err_set(e, "%s: %s", path.data, strerror(rc));
out:
	buf_release(&path);
	buf_release(&fresh);
	return rc;
}

/* Beyond the limit the kernel would send SIGXFSZ. */
int place_limit(uint64_t size, const char *dir, struct err *e)
{
	struct rlimit lim;

	if (!getrlimit(RLIMIT_FSIZE, &lim) && lim.rlim_cur != RLIM_INFINITY && size > lim.rlim_cur)
		return err_set(e, "%s: needs a (sparse) file of %llu bytes, the limit on file size is %llu",
		               dir, (unsigned long long)size, (unsigned long long)lim.rlim_cur);
	return 0;
}

int place_reserve(int fd, uint64_t from, uint64_t to, uint64_t was, const char *dir, struct err *e)
{
	int rc;

	if (to <= from)
		return 0;
	rc = allocate(fd, from, to);
	if (!rc)
		return 0;
	err_set(e, "%s: no space for %llu more bytes: %s", dir, (unsigned long long)(to - was),
	        strerror(rc));
	/* release what was allocated before the disk was full; if that fails, closing does it */
	if (was < from)
		was = from;
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)was, (off_t)(to - was)))
		return -1;
	return -1;
}
