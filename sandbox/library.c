/* SPDX-License-Identifier: MIT */
/* Finds the files that a Python needs. Shared libraries are looked up as by ld.so(8), but all
 * candidates are taken: every one of that name in its cache, in the object's search path and in the
 * usual directories. Formats: elf(5). */
#include "library.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILES = 2000, MAX_CACHE = 16 << 20 };

const char *const library_hidden[] = {"site-packages", "dist-packages", NULL};

/* Loaded by the C library or by programs without being named in an object; locale; time zones. */
static const char *const asked_for[] = {"libgcc_s.so.1", "libm.so.6", NULL};
static const char *const also[] = {"/usr/lib/locale/C.utf8", "/usr/share/zoneinfo", NULL};
static const char *const usual[] = {"/lib/x86_64-linux-gnu",
                                    "/usr/lib/x86_64-linux-gnu",
                                    "/lib64",
                                    "/usr/lib64",
                                    "/lib",
                                    "/usr/lib",
                                    "/usr/local/lib",
                                    NULL};

/* ---- lists ---- */

void paths_add(struct paths *p, const char *path)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 64;
		p->path = xreallocarray(p->path, p->cap, sizeof *p->path);
	}
	p->path[p->n++] = xstrdup(path);
}

void paths_release(struct paths *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->path[i]);
	free(p->path);
	*p = (struct paths){0};
}

/* Adds a file once, under its real name, with links in its path resolved. */
static void add(struct library *l, const char *path)
{
	char folder[PATH_MAX], real[PATH_MAX], full[PATH_MAX + NAME_MAX + 2];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof folder ||
	    strlen(slash) > NAME_MAX || l->files.n == MAX_FILES)
		return;
	snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
	if (!realpath(folder, real) || access(path, F_OK))
		return;
	snprintf(full, sizeof full, "%s%s", real, slash);
	for (size_t i = 0; i < l->files.n; i++)
		if (!strcmp(l->files.path[i], full))
			return;
	paths_add(&l->files, full);
}

/* ---- shared libraries ---- */

struct object {
	const char *data;            /* the whole file */
	size_t size;
	const char *strings;         /* string table of its dynamic section; NULL: none */
	size_t n_strings;
};

/* n bytes at an offset, or NULL. */
static const void *at(const struct object *o, uint64_t offset, uint64_t n)
{
	return offset <= o->size && n <= o->size - offset ? o->data + offset : NULL;
}

static const Elf64_Phdr *headers(const struct object *o, size_t *n)
{
	const Elf64_Ehdr *h = at(o, 0, sizeof *h);

	*n = 0;
	if (!h || memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phoff % 8)
		return NULL;
	*n = h->e_phnum;
	return at(o, h->e_phoff, (uint64_t)*n * sizeof(Elf64_Phdr));
}

/* File offset of what is loaded at an address. */
static uint64_t offset_of(const Elf64_Phdr *p, size_t n, uint64_t address)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].p_type == PT_LOAD && address >= p[i].p_vaddr &&
		    address - p[i].p_vaddr < p[i].p_filesz)
			return address - p[i].p_vaddr + p[i].p_offset;
	return UINT64_MAX;
}

static const char *string_at(const struct object *o, uint64_t offset)
{
	if (offset >= o->n_strings || !memchr(o->strings + offset, 0, o->n_strings - offset))
		return NULL;
	return o->strings + offset;
}

/* Adds an object if it is for this machine: there may be others of the same name. */
static void add_object(struct library *l, const char *path)
{
	char head[EI_NIDENT] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && pread(fd, head, sizeof head, 0) == sizeof head &&
	    !memcmp(head, ELFMAG, SELFMAG) && head[EI_CLASS] == ELFCLASS64)
		add(l, path);
	if (fd >= 0)
		close(fd);
}

static void try_folder(struct library *l, const char *folder, size_t n, const char *name)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof path, "%.*s/%s", (int)n, folder, name) < sizeof path)
		add_object(l, path);
}

/* Looks in the directories of a search path; $ORIGIN is the object's. */
static void try_path(struct library *l, const char *list, const char *origin, const char *name)
{
	while (*list) {
		size_t n = strcspn(list, ":");
		size_t own = !strncmp(list, "$ORIGIN", 7) ? 7 : !strncmp(list, "${ORIGIN}", 9) ? 9 : 0;
		int here = own ? (int)(strrchr(origin, '/') - origin) : 0;
		char folder[PATH_MAX];
		int all =
			snprintf(folder, sizeof folder, "%.*s%.*s", here, origin, (int)(n - own), list + own);

		if (all > 0 && (size_t)all < sizeof folder && folder[0] == '/')
			try_folder(l, folder, (size_t)all, name);
		list += n + (list[n] == ':');
	}
}

/* Tries every path in ld.so's cache with this file name. */
static void try_cache(struct library *l, const struct buf *cache, const char *name)
{
	size_t n = strlen(name) + 1;

	for (size_t i = 1; i + n <= cache->len; i++) {
		size_t from = i;

		if (cache->data[i - 1] != '/' || memcmp(cache->data + i, name, n))
			continue;
		while (from && cache->data[from - 1])
			from--;
		if (cache->data[from] == '/')
			add_object(l, cache->data + from);
	}
}

static void need(struct library *l, const struct buf *cache, const char *name)
{
	if (strchr(name, '/')) {
		add(l, name);
		return;
	}
	for (size_t i = 0; i < l->names.n; i++)
		if (!strcmp(l->names.path[i], name))
			return;
	paths_add(&l->names, name);
	try_cache(l, cache, name);
	for (size_t i = 0; usual[i]; i++)
		try_folder(l, usual[i], strlen(usual[i]), name);
}

/* Adds the libraries that an object names, and its loader. */
static void scan_object(struct library *l, struct object *o, const char *path,
                        const struct buf *cache)
{
	const Elf64_Dyn *d = NULL;
	size_t n, n_dyn = 0;
	const Elf64_Phdr *p = headers(o, &n);
	uint64_t strings = 0;
	const char *search[2] = {NULL, NULL};

	for (size_t i = 0; p && i < n; i++) {
		const char *loader = p[i].p_type == PT_INTERP ? at(o, p[i].p_offset, p[i].p_filesz) : NULL;

		if (loader && p[i].p_filesz && !loader[p[i].p_filesz - 1])
			add(l, loader);
		if (p[i].p_type == PT_DYNAMIC && !(p[i].p_offset % 8) &&
		    (d = at(o, p[i].p_offset, p[i].p_filesz)))
			n_dyn = p[i].p_filesz / sizeof *d;
	}
	for (size_t i = 0; i < n_dyn && d[i].d_tag != DT_NULL; i++) {
		strings = d[i].d_tag == DT_STRTAB ? d[i].d_un.d_ptr : strings;
		o->n_strings = d[i].d_tag == DT_STRSZ ? d[i].d_un.d_val : o->n_strings;
	}
	o->strings = at(o, offset_of(p, n, strings), o->n_strings);
	if (!o->strings)
		return;
	for (size_t i = 0; i < n_dyn && d[i].d_tag != DT_NULL; i++)
		if (d[i].d_tag == DT_RPATH || d[i].d_tag == DT_RUNPATH)
			search[d[i].d_tag == DT_RUNPATH] = string_at(o, d[i].d_un.d_val);
	for (size_t i = 0; i < n_dyn && d[i].d_tag != DT_NULL; i++) {
		const char *name = d[i].d_tag == DT_NEEDED ? string_at(o, d[i].d_un.d_val) : NULL;

		for (size_t k = 0; name && k < LEN(search); k++)
			if (search[k])
				try_path(l, search[k], path, name);
		if (name)
			need(l, cache, name);
	}
}

static void scan(struct library *l, const char *path, const struct buf *cache)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct object o = {0};
	struct stat st;
	void *data;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0) {
		o.size = (size_t)st.st_size;
		data = mmap(NULL, o.size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			o.data = data;
			scan_object(l, &o, path, cache);
			munmap(data, o.size);
		}
	}
	if (fd >= 0)
		close(fd);
}

/* ---- the standard library ---- */

static int hidden(const char *name)
{
	for (size_t i = 0; library_hidden[i]; i++)
		if (!strcmp(name, library_hidden[i]))
			return 1;
	return 0;
}

/* Scans extension modules. They are in the list of files only meanwhile, since their directory
 * belongs to a home. */
static void scan_modules(struct library *l, const char *home, const struct buf *cache)
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent *entry;
	DIR *d;

	snprintf(folder, sizeof folder, "%.4000s/lib-dynload", home);
	d = opendir(folder);
	while (d && (entry = readdir(d)))
		if (strstr(entry->d_name, ".so")) {
			snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
			scan(l, path, cache);
		}
	if (d)
		closedir(d);
}

/* Finds PREFIX/lib/python3.11 and the like: directories that contain os.py. */
static void find_homes(struct library *l, const char *prefix)
{
	static const char *const below[] = {"lib", "lib64", NULL};
	char folder[PATH_MAX + 16], home[PATH_MAX + NAME_MAX + 32];
	char mark[PATH_MAX + NAME_MAX + 64], real[PATH_MAX];
	struct dirent *entry;

	for (size_t i = 0; below[i]; i++) {
		DIR *d;

		snprintf(folder, sizeof folder, "%s/%s", prefix, below[i]);
		d = opendir(folder);
		while (d && (entry = readdir(d))) {
			size_t k = 0;

			snprintf(home, sizeof home, "%s/%s", folder, entry->d_name);
			snprintf(mark, sizeof mark, "%s/os.py", home);
			if (strncmp(entry->d_name, "python3.", 8) || access(mark, R_OK) ||
			    !realpath(home, real))
				continue;
			while (k < l->homes.n && strcmp(l->homes.path[k], real))
				k++;
			if (k == l->homes.n)
				paths_add(&l->homes, real);
		}
		if (d)
			closedir(d);
	}
}

int library_find(struct library *l, const char *python, struct err *e)
{
	char prefix[PATH_MAX];
	struct buf cache = {0};
	struct err none;

	*l = (struct library){0};
	snprintf(prefix, sizeof prefix, "%s", python);
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(prefix, '/');

		if (!slash || slash == prefix)
			return err_set(e, "%s: cannot tell where its library is", python);
		*slash = 0;
	}
	find_homes(l, prefix);
	if (!l->homes.n)
		return err_set(e, "%s: no library in %s/lib", python, prefix);
	if (file_read("/etc/ld.so.cache", MAX_CACHE, &cache, &none))
		buf_clear(&cache);
	add(l, python);
	for (size_t i = 0; also[i]; i++)
		add(l, also[i]);
	for (size_t i = 0; asked_for[i]; i++)
		need(l, &cache, asked_for[i]);
	for (size_t i = 0; i < l->homes.n; i++)
		scan_modules(l, l->homes.path[i], &cache);
	for (size_t i = 0; i < l->files.n; i++)      /* the list grows in the loop */
		scan(l, l->files.path[i], &cache);
	buf_release(&cache);
	return 0;
}

void library_spread(const struct library *l, struct paths *out)
{
	char path[PATH_MAX + NAME_MAX + 2];
	struct dirent *entry;

	for (size_t i = 0; i < l->homes.n; i++) {
		DIR *d = opendir(l->homes.path[i]);

		while (d && (entry = readdir(d))) {
			if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
			    hidden(entry->d_name))
				continue;
			snprintf(path, sizeof path, "%s/%s", l->homes.path[i], entry->d_name);
			paths_add(out, path);
		}
		if (d)
			closedir(d);
	}
}

void library_release(struct library *l)
{
	paths_release(&l->files);
	paths_release(&l->homes);
	paths_release(&l->names);
}
