/* SPDX-License-Identifier: MIT */
/*
 * jsonl: JSON values, lines of JSON in and out, and jq programs. The only room that includes
 * libjq's headers; others use `struct js`.
 *
 * Ownership: arguments are borrowed, except that a value passed to a setter (js_set, js_push,
 * js_put) is consumed. Every returned js is owned by the caller, who passes it to js_free (or to a
 * setter). js_copy is cheap (a reference count). Counts are not atomic: use a js on one thread
 * only.
 *
 * Strictness: input is RFC 8259 JSON in valid UTF-8, nothing else. NaN, Infinity, numbers that
 * overflow a double, integers (digits without point or exponent) beyond 2^53, unpaired surrogates,
 * duplicate keys and nesting beyond 200 are refused. On output NaN, Infinity and nesting beyond 200
 * are refused, and a double beyond 2^53 is written with an exponent (1e300 as 1e+300), never as an
 * integer; js_parse reads every double back exactly.
 */
#ifndef JSONL_H
#define JSONL_H

#include "base/base.h"

struct js {
	uint64_t opaque[2];
};

enum js_kind { JS_NONE, JS_NULL, JS_FALSE, JS_TRUE, JS_NUMBER, JS_STRING, JS_ARRAY, JS_OBJECT };

enum js_kind js_kind(struct js v);
const char *js_kind_name(enum js_kind k);      /* "number", "array", ... "nothing" for JS_NONE */
struct js js_none(void);                       /* absent: what js_get returns for a missing key */
struct js js_null(void);
struct js js_bool(int b);
struct js js_num(double x);
/* A float32, as the number with the shortest text that reads back as the same float32. */
struct js js_f32(float x);
struct js js_str(const char *s);               /* invalid UTF-8 becomes U+FFFD */
struct js js_strn(const char *s, size_t n);
struct js js_array(void);
struct js js_object(void);
struct js js_copy(struct js v);
void js_free(struct js v);
int js_equal(struct js a, struct js b);

/* One JSON text (surrounding white space allowed). The error says what is wrong and at which
 * byte. */
MUST_CHECK int js_parse(const char *text, size_t n, struct js *out, struct err *e);
/* The same for files of other programs: integers beyond 2^53 become the nearest double (Hugging
 * Face's model_max_length is 10^30), NaN and Infinity become null, and a byte order mark is
 * skipped. */
MUST_CHECK int js_parse_foreign(const char *text, size_t n, struct js *out, struct err *e);
/* Appends compact text without newline to out. Refuses values that are not allowed on output (see
 * above). */
MUST_CHECK int js_print(struct js v, struct buf *out, struct err *e);

/* Objects. Missing key, or not an object: JS_NONE. js_set keeps the position of an existing key; a
 * JS_NONE value deletes the key; if *obj is not an object (js_none()), it is replaced by an empty
 * one first. */
struct js js_get(struct js obj, const char *key);
int js_has(struct js obj, const char *key);
void js_set(struct js *obj, const char *key, struct js value);
void js_del(struct js *obj, const char *key);
/* Iterates in the object's order: it = js_begin(obj); js_next(obj, &it, &key, &value) until 0. key
 * (borrowed until the object is freed or changed), value owned by the caller. */
struct js_iter { int at; };
struct js_iter js_begin(struct js obj);
int js_next(struct js obj, struct js_iter *it, const char **key, struct js *value);

/* Arrays. Out of range: JS_NONE. Length of an array or object, else 0. js_push and js_put first
 * replace a value that is not an array by an empty array; js_put fills gaps with null. */
size_t js_len(struct js v);
struct js js_at(struct js arr, size_t i);
void js_push(struct js *arr, struct js value);
void js_put(struct js *arr, size_t i, struct js value);

/* Scalars; 0 or "" if v is of another kind. Strings are borrowed until v is freed. */
double js_number(struct js v);
const char *js_string(struct js v);
size_t js_string_len(struct js v);

/* Whole number within [min, max] (|.| <= 2^53): 0, or -1 with "expected ..." in e. */
MUST_CHECK int js_int(struct js v, int64_t min, int64_t max, int64_t *out, struct err *e);
/* Arrays of numbers; *out is malloced, owned by the caller (NULL when empty). Message: "expected
 * array, got string" or "[3]: expected ...". */
MUST_CHECK int js_ints(struct js v, int64_t min, int64_t max, int **out, size_t *n, struct err *e);
MUST_CHECK int js_floats(struct js v, float **out, size_t *n, struct err *e);
struct js js_from_ints(const int *p, size_t n);
struct js js_from_floats(const float *p, size_t n);    /* each by js_f32 */

/* ---- lines ------------------------------------------------------------ */

struct jl_in;

/* path NULL or "-": stdin, named <stdin> in messages. Lines are capped at 256 MiB. */
MUST_CHECK int jl_open(const char *path, struct jl_in **out, struct err *e);
/* Reads from an open descriptor, which it takes ownership of. */
struct jl_in *jl_take(int fd, const char *name);
/* Reads the next non-blank line as an object. 1: read, 0: end of input, -1: error, with message
 * "<stdin>:17: expected an object". The last line need not end in a newline. */
MUST_CHECK int jl_read(struct jl_in *in, struct js *out, struct err *e);
/* For tools that also wait for other things: 1 if the next jl_read will not block (a whole line,
 * the end of input or an error is available), else 0; jl_fd is the descriptor to poll. Reads ahead
 * what is available. */
int jl_ready(struct jl_in *in);
int jl_fd(const struct jl_in *in);
size_t jl_line(const struct jl_in *in);            /* number of the line last read, from 1 */
const char *jl_name(const struct jl_in *in);
/* Fraction of the input consumed, 0 to 1, for progress; 0 if its size is not known (a pipe). */
double jl_share(const struct jl_in *in);
/* Puts "<stdin>:17: " before e's message (for errors in the line last read); returns -1. */
int jl_where(const struct jl_in *in, struct err *e);
void jl_close(struct jl_in *in);

/* Writes v and a newline to stdout and flushes. Write errors are reported here ("<stdout>: No space
 * left on device"); if the value cannot be printed, nothing is written. */
MUST_CHECK int jl_write(struct js v, struct err *e);
/* Checks that everything reached stdout (flush and close); call once at the end. */
MUST_CHECK int jl_finish(struct err *e);
/* For the end of main: calls jl_finish; returns 0 if rc is 0 and that succeeded, else prints the
 * message and returns exit status 1. */
int jl_exit(int rc, struct err *e);

/* ---- jq programs --------------------------------------------------------- */

struct jqp;

/* Compiles text (name is for messages). args: object of $variables, or js_none(). */
MUST_CHECK int jqp_new(const char *text, const char *name, struct js args, struct jqp **out,
                       struct err *e);
MUST_CHECK int jqp_load(const char *path, struct js args, struct jqp **out, struct err *e);
/* Runs on input. Anything but exactly one result is an error. `input` and `inputs` find nothing. */
MUST_CHECK int jqp_run(struct jqp *p, struct js input, struct js *out, struct err *e);
void jqp_free(struct jqp *p);

#endif
