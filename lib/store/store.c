/* SPDX-License-Identifier: MIT */
/* Opening and closing the environment, its map and its transactions. */
#include "store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "score-store 1"
#define HEADROOM (256 * MIB)         /* of a writer's map, beyond the part in use */

static const char *const table_names[TABLES] = {"doc",      "tensor",  "state",
                                                "snapshot", "metrics", "tag"};

int lmdb_err(const struct store *s, int rc, const char *doing, struct err *e)
{
	if (rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH)
		return err_set(e, "%s: not a store: %s", s->dir, mdb_strerror(rc));
	if (rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_PANIC || rc == MDB_BAD_TXN)
		return err_set(e, "%s: %s: the store is damaged (%s)", s->dir, doing, mdb_strerror(rc));
	return err_set(e, "%s: %s: %s", s->dir, doing, mdb_strerror(rc));
}

int same_process(const struct store *s, struct err *e)
{
	if (s->pid != getpid())
		return err_set(e, "%s: a store cannot be used across fork: open it again in the child",
		               s->dir);
	return 0;
}

/* ---- the map and the disk under it ---- */

uint64_t space_used(const struct store *s)
{
	MDB_envinfo info;

	mdb_env_info(s->env, &info);
	return (info.me_last_pgno + 1) * s->page;
}

/* Bytes that LMDB adds to a transaction: copied tree pages, lists of freed pages (8 bytes per
 * page). */
static uint64_t overhead(const struct store *s, uint64_t used)
{
	return 64 * s->page + used / 256;
}

static int reserve_until(struct store *s, uint64_t end, struct err *e)
{
	mdb_filehandle_t fd;

	if (end <= s->reserved)
		return 0;
	mdb_env_get_fd(s->env, &fd);
	/* in whole MiB, so that small commits seldom need a call */
	end = (end + MIB - 1) / MIB * MIB;
	/* the first time from 0, since a copied store may have holes in place of free pages */
	if (place_reserve(fd, s->reserved, end, space_used(s), s->dir, e))
		return -1;
	s->reserved = end;
	return 0;
}

/*
 * The map is large and the file sparse; closing truncates it to the part in use. So the map rarely
 * has to grow, which LMDB allows only while no transaction is open.
 */
static int map_for(struct store *s, uint64_t bytes, struct err *e)
{
	MDB_envinfo info;
	uint64_t used = space_used(s), size;
	int rc;

	mdb_env_info(s->env, &info);
	if (info.me_mapsize >= used + 2 * bytes + 64 * MIB)
		return 0;
	size = (used + 4 * bytes + HEADROOM) / MIB * MIB;
	if (place_limit(size, s->dir, e))
		return -1;
	rc = mdb_env_set_mapsize(s->env, size);
	return rc ? lmdb_err(s, rc, "growing the map", e) : 0;
}

int space_taken(struct store *s, uint64_t bytes, struct err *e)
{
	uint64_t used = space_used(s), end = used + bytes + overhead(s, used + bytes);
	MDB_envinfo info;

	mdb_env_info(s->env, &info);
	if (end > info.me_mapsize)
		return err_set(e, "%s: the commit writes far more than it announced (%llu bytes so far)",
		               s->dir, (unsigned long long)bytes);
	return reserve_until(s, end, e);
}

/* ---- transactions ---- */

int begin_read(struct store *s, MDB_txn **txn, struct err *e)
{
	int rc, dead;

	if (same_process(s, e))
		return -1;
	rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, txn);
	if (rc == MDB_READERS_FULL && !mdb_reader_check(s->env, &dead))
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, txn);
	if (rc == MDB_MAP_RESIZED && !s->snaps && !s->commit) {
		rc = mdb_env_set_mapsize(s->env, 0);
		if (!rc)
			rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, txn);
	}
	return rc ? lmdb_err(s, rc, "reading", e) : 0;
}

/* Bytes of all tree pages: the most that a transaction can copy besides what it adds. */
static uint64_t tree_bytes(const struct store *s, MDB_txn *t)
{
	uint64_t pages = 2 * TABLES;
	MDB_stat st;

	for (int i = 0; i < TABLES; i++)
		if (!mdb_stat(t, s->db[i], &st))
			pages += st.ms_branch_pages + st.ms_leaf_pages;
	return pages * s->page;
}

int begin_write(struct store *s, uint64_t bytes, MDB_txn **txn, uint64_t *taken, struct err *e)
{
	int rc, dead;

	if (same_process(s, e))
		return -1;
	if (s->mode == STORE_READ)
		return err_set(e, "%s: the store was opened for reading", s->dir);
	if (s->commit)
		return err_set(e, "%s: a commit is under way", s->dir);
	if (s->snaps)
		return err_set(
			e, "%s: close the snapshots before writing begins (they may be opened again after it)",
		    s->dir);
	/* readers that were killed must not prevent reuse of pages */
	mdb_reader_check(s->env, &dead);
	if (map_for(s, bytes, e))
		return -1;
	rc = mdb_txn_begin(s->env, NULL, 0, txn);
	if (rc)
		return lmdb_err(s, rc, "writing", e);
	*taken = s->db[TB_TAG] ? tree_bytes(s, *txn) : 0;      /* no tables yet while creating */
	if (!space_taken(s, *taken + bytes, e))
		return 0;
	mdb_txn_abort(*txn);
	return -1;
}

/* ---- opening ---- */

static void env_close(struct store *s)
{
	int gate = place_gate(s->dir);

	mdb_env_close(s->env);
	s->env = NULL;
	close_fd(&gate);
}

static int env_open(struct store *s, unsigned flags, uint64_t map, struct err *e)
{
	int rc = mdb_env_create(&s->env), gate;

	if (rc)
		return lmdb_err(s, rc, "opening", e);
	mdb_env_set_maxdbs(s->env, TABLES);
	if (map)
		mdb_env_set_mapsize(s->env, map);
	gate = place_gate(s->dir);
	rc = mdb_env_open(s->env, s->dir, flags | MDB_NOTLS, 0666);
	close_fd(&gate);
	if (!rc) {
		mdb_filehandle_t fd;
		MDB_stat st;

		mdb_env_get_fd(s->env, &fd);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		mdb_env_stat(s->env, &st);
		s->page = st.ms_psize;
		s->small = s->page / 2;
		return 0;
	}
	env_close(s);
	return rc == ENOMEM && flags & MDB_RDONLY && map ? 1 : lmdb_err(s, rc, "opening", e);
}

/* Checks that the file has all pages in use: accessing a missing one would raise SIGBUS. */
static int whole_file(const struct store *s, struct err *e)
{
	mdb_filehandle_t fd;
	struct stat st;

	mdb_env_get_fd(s->env, &fd);
	if (fstat(fd, &st))
		return err_set(e, "%s/data.mdb: %s", s->dir, strerror(errno));
	if ((uint64_t)st.st_size < space_used(s))
		return err_set(e, "%s/data.mdb: truncated: %llu bytes, the last commit needs %llu", s->dir,
		               (unsigned long long)st.st_size, (unsigned long long)space_used(s));
	return 0;
}

/* Readers map far beyond the end of the file (at no cost), so that it can grow while they read. */
static int env_read(struct store *s, struct err *e)
{
	int rc = env_open(s, MDB_RDONLY, MIB << 20, e);

	if (rc > 0)
		rc = env_open(s, MDB_RDONLY, 0, e);
	if (!rc && whole_file(s, e)) {
		env_close(s);
		rc = -1;
	}
	return rc;
}

static int tables_open(struct store *s, MDB_txn *t, unsigned flags, struct err *e)
{
	for (int i = 0; i < TABLES; i++) {
		int rc = mdb_dbi_open(t, table_names[i], flags, &s->db[i]);

		if (rc == MDB_NOTFOUND)
			return err_set(e, "%s: not a store: table '%s' is missing", s->dir, table_names[i]);
		if (rc)
			return lmdb_err(s, rc, "opening", e);
	}
	return 0;
}

static int tables_find(struct store *s, struct err *e)
{
	MDB_txn *t;
	const char *format;
	size_t n;
	int rc;

	if (begin_read(s, &t, e))
		return -1;
	rc = tables_open(s, t, 0, e);
	if (!rc) {
		rc = rec_get(s, t, TB_DOC, text_key(".format"), &format, &n, e);
		if (rc >= 0 && (!rc || n != strlen(FORMAT) || memcmp(format, FORMAT, n)))
			rc = err_set(e, "%s: a store of another format (this program knows '%s')", s->dir,
			             FORMAT);
		rc = rc < 0 ? -1 : 0;
	}
	/* table handles outlive a read transaction only if it is committed */
	if (rc)
		mdb_txn_abort(t);
	else if ((rc = mdb_txn_commit(t)))
		rc = lmdb_err(s, rc, "opening", e);
	return rc;
}

/* 1: the data file exists and is not empty, 0: not, -1: error. */
static int data_there(const struct store *s, struct err *e)
{
	struct buf path = {0};
	struct stat st;
	int rc = 1;

	place_file(&path, s->dir, "data.mdb");
	if (stat(path.data, &st))
		rc = errno == ENOENT || errno == ENOTDIR ? 0
		                                         : err_set(e, "%s: %s", path.data, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = err_set(e, "%s: not a file", path.data);
	else
		rc = st.st_size > 0;
	buf_release(&path);
	return rc;
}

static void files_remove(const struct store *s, int lock)
{
	struct buf path = {0};
	static const char *const names[] = {"data.mdb", "lock.mdb", "writer.lock"};

	for (size_t i = 0; i < LEN(names) - !lock; i++) {
		place_file(&path, s->dir, names[i]);
		unlink(path.data);
	}
	buf_release(&path);
}

/* 1: a store with content (or another program's LMDB data), 0: an interrupted creation, -1:
 * error. */
static int something_there(struct store *s, struct err *e)
{
	int64_t step;
	MDB_txn *t;
	MDB_dbi root;
	MDB_stat st;
	int rc;

	if (begin_read(s, &t, e))
		return -1;
	rc = mdb_dbi_open(t, NULL, 0, &root);
	if (!rc)
		rc = mdb_stat(t, root, &st);
	mdb_txn_abort(t);
	if (rc)
		return lmdb_err(s, rc, "opening", e);
	if (!st.ms_entries)
		return 0;
	if (tables_find(s, e) || begin_read(s, &t, e))
		return -1;
	rc = latest_step(s, t, &step, e);
	mdb_txn_abort(t);
	return rc;
}

/* Removes what an interrupted creation left (no snapshot was ever committed); refuses anything
 * else. */
static int nothing_to_lose(struct store *s, struct err *e)
{
	int there = data_there(s, e);

	if (there > 0) {
		if (env_read(s, e))
			return -1;
		there = something_there(s, e);
		env_close(s);
		if (there > 0)
			return err_set(e, "%s: there is a store already", s->dir);
	}
	if (there < 0)
		return -1;
	s->fresh = 1;
	files_remove(s, 0);
	return 0;
}

static int create(struct store *s, struct err *e)
{
	uint64_t taken;
	MDB_txn *t;
	int rc;

	if (nothing_to_lose(s, e) || place_readers(s->dir, e) || place_limit(HEADROOM, s->dir, e))
		return -1;
	if (env_open(s, MDB_WRITEMAP, HEADROOM, e) || begin_write(s, 0, &t, &taken, e))
		return -1;
	if (tables_open(s, t, MDB_CREATE, e) ||
	    rec_put(s, t, TB_DOC, text_key(".format"), FORMAT, strlen(FORMAT), e)) {
		mdb_txn_abort(t);
		return -1;
	}
	rc = mdb_txn_commit(t);
	return rc ? lmdb_err(s, rc, "creating", e) : 0;
}

static int open_existing(struct store *s, struct err *e)
{
	int dead, there = data_there(s, e);

	if (there < 0)
		return -1;
	if (!there)
		return err_set(e, "%s: no store there (score-weights init or import makes one)", s->dir);
	if (place_local(s->dir, e))
		return -1;
	if (s->mode == STORE_WRITE && place_lock(s->dir, &s->lock_fd, e))
		return -1;
	/* a read-only directory can still be read if it has a lock file */
	if (place_readers(s->dir, e) && s->mode == STORE_WRITE)
		return -1;
	if (env_read(s, e))
		return -1;
	if (s->mode == STORE_WRITE) {
		uint64_t map = (space_used(s) + HEADROOM) / MIB * MIB;

		env_close(s);
		/* LMDB touches the first page of each value it reserves: no read-ahead around it
		 * (see snap_soon) */
		if (place_limit(map, s->dir, e) || env_open(s, MDB_WRITEMAP | MDB_NORDAHEAD, map, e))
			return -1;
	}
	mdb_reader_check(s->env, &dead);
	return tables_find(s, e);
}

int store_open(const char *dir, enum store_mode mode, struct store **out, struct err *e)
{
	struct store *s = xcalloc(1, sizeof *s);
	int rc;

	*out = NULL;
	*s = (struct store){.dir = xstrdup(dir), .mode = mode, .pid = getpid(), .lock_fd = -1};
	if (mode == STORE_CREATE) {
		s->made_dir = !mkdir(dir, 0777);
		rc = !s->made_dir && errno != EEXIST ? err_set(e, "%s: %s", dir, strerror(errno)) : 0;
		if (!rc)
			rc = place_local(dir, e) || place_lock(dir, &s->lock_fd, e) ? -1 : create(s, e);
	} else {
		rc = open_existing(s, e);
	}
	if (rc) {
		if (mode == STORE_CREATE)
			store_discard(s);
		else
			store_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

static void release(struct store *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->dir);
	free(s);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	/* after a fork the environment belongs to the parent */
	if (s->env && s->pid == getpid()) {
		if (s->commit)
			commit_abort(s->commit);
		if (s->mode != STORE_READ) {
			mdb_filehandle_t fd;

			mdb_env_get_fd(s->env, &fd);
			/* drop the sparse tail and unused blocks; failure is harmless */
			if (ftruncate(fd, (off_t)space_used(s)))
				s->reserved = 0;
		}
		env_close(s);
	}
	release(s);
}

void store_discard(struct store *s)
{
	if (s->env) {
		if (s->commit)
			commit_abort(s->commit);
		env_close(s);
	}
	if (s->fresh)
		files_remove(s, 1);
	if (s->made_dir)
		rmdir(s->dir);
	release(s);
}

int store_doc(struct store *s, const char *name, struct buf *out, struct err *e)
{
	const char *p;
	MDB_txn *t;
	size_t n;
	int rc;

	if (begin_read(s, &t, e))
		return -1;
	rc = rec_get(s, t, TB_DOC, text_key(name), &p, &n, e);
	if (rc > 0)
		buf_add(out, p, n);
	else if (!rc)
		err_set(e, "%s: the store has no '%s'", s->dir, name);
	mdb_txn_abort(t);
	return rc > 0 ? 0 : -1;
}
