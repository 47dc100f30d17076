/* SPDX-License-Identifier: MIT */
/*
 * base: what every room needs; knows nothing about models or JSON.
 *
 * Convention throughout: a library function that can fail returns 0 or -1 and fills the caller's
 * struct err; it never prints and never exits. Only main (through die) ends the process. The one
 * exception is memory: the x-allocators below end the process with a message when none is left.
 */
#ifndef BASE_H
#define BASE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SCORE_VERSION "0.1.0"

#define NORETURN __attribute__((noreturn))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---- errors ---------------------------------------------------------- */

struct err {
	char msg[1024];
};

/* Formats a message into e (which may be NULL); always returns -1. */
int err_set(struct err *e, const char *fmt, ...) PRINTF(2, 3);
/* Puts a formatted prefix before the message already in e; returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF(2, 3);

/* ---- messages and the end of the process (main only) ------------------ */

enum { EXIT_DONE = 0, EXIT_ERROR = 1, EXIT_USAGE = 2 };

/* Remembers the last component of argv[0] for messages. Call first in main. */
void prog_init(const char *argv0);
const char *prog_name(void);
/* "score-x: message\n" on stderr. */
void warn(const char *fmt, ...) PRINTF(1, 2);
/* warn, then exit with status. stdout is flushed first. */
NORETURN void die(int status, const char *fmt, ...) PRINTF(2, 3);

/* ---- memory ------------------------------------------------------------ */

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
/* n * size with overflow checked. */
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
/* True if s ends with end. */
int str_ends(const char *s, const char *end);
/* Closes *fd unless it is negative, and sets it to -1. */
void close_fd(int *fd);
/* Closes all descriptors >= first. */
void close_from(int first);
char *xstrndup(const char *s, size_t n);
void *xmemdup(const void *p, size_t n);
/* 64-byte aligned, not zeroed; large blocks use huge pages where available. Release with free(). */
void *xaligned(size_t n);
/* The same, but pages_free returns the memory to the system at once; for short-lived blocks. */
void *pages_new(size_t n);
void pages_free(void *p, size_t n);

/* A growing byte buffer. {0} is a valid empty one. data is NUL-terminated
 * once anything was added, len does not count that NUL. */
struct buf {
	char *data;
	size_t len, cap;
};

void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_grow(struct buf *b, size_t extra);     /* ensures capacity for extra more bytes */
void buf_clear(struct buf *b);                  /* len = 0, memory kept */
void buf_release(struct buf *b);                /* frees; b is {0} again */

/* Appends to a growing array: VEC_PUSH(p, n, cap) = x. */
#define VEC_PUSH(p, n, cap) \
	(*((n) == (cap) ? ((cap) = (cap) ? (cap) * 2 : 8, \
	 (p) = xreallocarray((p), (cap), sizeof *(p)), &(p)[(n)++]) : &(p)[(n)++]))

/* ---- strict numbers (whole string, no spaces, range checked) ------------ */

MUST_CHECK int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out, struct err *e);
MUST_CHECK int parse_i64(const char *s, int64_t min, int64_t max, int64_t *out, struct err *e);
/* Finite decimal number; hexadecimal, inf and nan are refused. */
MUST_CHECK int parse_f64(const char *s, double *out, struct err *e);
/* Bytes with an optional suffix K, M, G (powers of 1024). */
MUST_CHECK int parse_bytes(const char *s, uint64_t *out, struct err *e);

/* ---- files --------------------------------------------------------------- */

/* Reads a whole file, at most cap bytes. path NULL or "-" is stdin. */
MUST_CHECK int file_read(const char *path, size_t cap, struct buf *out, struct err *e);
/* What a file is, by its first bytes, for kinds that users mistake for others: "text in UTF-16", "a
 * Git LFS pointer ..."; NULL: unknown. For error messages. */
const char *bytes_are(const void *p, size_t n);
/* Replaces a file atomically: temporary file beside it, fsync, rename. */
MUST_CHECK int file_write(const char *path, const void *data, size_t n, struct err *e);

/* ---- random numbers -------------------------------------------------------- */

/*
 * Counter-based (Random123 Philox4x32-10). A stream is named by its purpose, and a number depends
 * only on the stream and its position, so splitting, reordering or batching work cannot change it.
 * domain separates uses ("sample", "draw", "init", ...).
 */
struct rng {
	uint32_t key[2], ctr[2];
};

struct rng rng_stream(uint64_t seed, const char *domain, uint64_t step,
                      const char *id, uint64_t sample, uint64_t turn);
/* Number `position` of the stream: 4 x 32 random bits. */
void rng_bits(const struct rng *r, uint64_t position, uint32_t out[4]);
/* Uniform in [0, 1), 53 bits. */
double rng_uniform(const struct rng *r, uint64_t position);
/* Standard normal (Box-Muller). */
double rng_normal(const struct rng *r, uint64_t position);
/* Uniform integer in [0, n), n > 0, with negligible modulo bias (n < 2^32). */
uint64_t rng_below(const struct rng *r, uint64_t position, uint64_t n);
/* 64-bit FNV-1a of a byte string, for tables and ids; not collision-resistant. */
uint64_t hash_bytes(const void *p, size_t n);

/* ---- hash tables ---------------------------------------------------------- */

/* Maps keys to places (indexes below 2^32 - 1) in an array of the caller's, which holds the keys. A
 * zeroed table is empty. */
struct hashmap {
	struct hashmap_slot {
		uint32_t hash;       /* 64-bit hash, folded */
		uint32_t place;      /* 1 + place; 0: free */
	} *slot;                     /* [cap], open addressing, cap a power of two */
	size_t n, cap;
};

/* True if the caller's element at place has this key. data is passed through. */
typedef int hashmap_same(const void *data, size_t place, const void *key);

#define HASHMAP_NONE SIZE_MAX
/* The place of a key, or HASHMAP_NONE. hash: any function of the key. */
size_t hashmap_find(const struct hashmap *t, uint64_t hash, hashmap_same *same, const void *data,
                    const void *key);
/* Adds a key that is not in the table. */
void hashmap_add(struct hashmap *t, uint64_t hash, size_t place);
/* Empties the table; its memory is kept. */
void hashmap_clear(struct hashmap *t);
void hashmap_release(struct hashmap *t);

/* ---- options ---------------------------------------------------------------- */

enum opt_type {
	OPT_FLAG,    /* int *        set to 1; no argument */
	OPT_STR,     /* const char **                      */
	OPT_U64,     /* uint64_t *   within [min, max]      */
	OPT_INT,     /* int *        within [min, max]      */
	OPT_F64,     /* double *     within [min, max]      */
	OPT_BYTES,   /* uint64_t *   bytes, K M G           */
	OPT_CHOICE,  /* int *        which of the words in arg, "a|b|c", from 0 */
	OPT_CALL,    /* int (*)(const char *arg, void *call_data, struct err *) in call */
};

/* One line of a tool's option table; ends with a zeroed entry. */
struct opt {
	const char *name;            /* long name without "--"; NULL: short only */
	char letter;                 /* 0: long only */
	enum opt_type type;
	void *out;
	const char *arg, *help;      /* argument's name (NULL for flags), one line of help */
	double min, max;             /* inclusive; both 0: no limit */
	int (*call)(const char *arg, void *data, struct err *e);
};

/*
 * Parses argv against the table with getopt_long's rules (except that the first operand does not
 * end the options). -h/--help and -V/--version are added and exit 0; -j/--threads, --seed, --device
 * and --progress are accepted without effect where the table does not use the name or letter. A bad
 * option prints one line and exits 2. Returns the index of the first operand. usage is one line:
 * "score-x [options] [FILE]".
 */
int opt_parse(int argc, char **argv, const struct opt *table, const char *usage, const char *about);
/* Prints usage and exits with EXIT_USAGE after one line of message. */
NORETURN void opt_usage(const char *usage, const char *fmt, ...) PRINTF(2, 3);

/* Option rows shared by several tools. */
#define OPT_WEIGHTS(dir) \
	{"weights", 'w', OPT_STR, dir, "DIR", "the store (default $SCORE_WEIGHTS)", 0, 0, NULL}
#define OPT_SNAPSHOT(ref) \
	{"snapshot", 's', OPT_STR, ref, "SNAPSHOT", "step, tag, base or latest (default latest)", \
	 0, 0, NULL}
#define OPT_THREADS(n) \
	{"threads", 'j', OPT_INT, n, "N", "threads (default: one per core)", 1, 4096, NULL}
#define OPT_SEED(n) \
	{"seed", 0, OPT_U64, n, "N", "seed of the random numbers (default 0)", 0, 0x1p53, NULL}
#define OPT_DEVICE(which) \
	{"device", 0, OPT_CHOICE, which, "auto|cpu|cuda", "where to compute (default auto)", 0, 0, NULL}
#define OPT_PROGRESS(on) \
	{"progress", 0, OPT_FLAG, on, NULL, "progress on stderr even if it is no terminal", 0, 0, NULL}
enum { DEVICE_AUTO, DEVICE_CPU, DEVICE_CUDA };

/* The only operand, a file to read, or NULL (standard input) if there is none; more is wrong usage.
 * at: the result of opt_parse. */
const char *opt_input(int argc, char **argv, int at, const char *usage);
/* The store: dir (from -w) if set, else $SCORE_WEIGHTS; if neither is set, exits with a usage
 * error. */
const char *opt_store(const char *dir, const char *usage);

/* ---- progress ------------------------------------------------------------------ */

/* One line on stderr: label, done/total, rate, ETA (by total, or by share); at most twice a second.
 * Shown when stderr is a terminal or force is set (--progress). */
struct progress {
	const char *label, *unit;
	double total, done, started, shown;
	/* fraction done, 0..1, if total is unknown; 0: also unknown */
	double share;
	int on;
};

void progress_start(struct progress *p, const char *label, const char *unit, double total,
                    int force);
void progress_add(struct progress *p, double n);
void progress_end(struct progress *p);
/* Monotonic seconds. */
double now_seconds(void);
/* Anonymous resident memory of this process in bytes (RssAnon), 0 if unknown. */
uint64_t rss_anon(void);

#endif
