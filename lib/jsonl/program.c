/* SPDX-License-Identifier: MIT */
/* jq programs through libjq: compiled once, run per record, messages kept instead of printed. */
#include <stdlib.h>

#include "jsonl/inside.h"

#include <jq.h>

enum { MAX_PROGRAM = 1 << 20 };

struct jqp {
	jq_state *jq;
	char *name;
	struct buf log;              /* messages that libjq would have printed */
};

static const char *without(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) ? s : s + n;
}

/* libjq's message callback: consumes the message. The first one says what is wrong. */
static void keep_message(void *data, jv msg)
{
	struct jqp *p = data;
	jv text = jq_format_error(msg);

	if (!p->log.len)
		buf_adds(&p->log, without(jv_string_value(text), "jq: error: "));
	jv_free(text);
}

/* Joins the message to one line and removes libjq's advice on shell quotes. */
static void tidy(struct buf *log)
{
	static const char advice[] = " (Unix shell quoting issues?)";
	char *at = log->data ? strstr(log->data, advice) : NULL;

	if (at)
		memmove(at, at + sizeof advice - 1, strlen(at + sizeof advice - 1) + 1);
	for (char *s = log->data; s && *s; s++)
		if (*s == '\n')
			*s = ' ';
	if (log->data)
		log->len = strlen(log->data);
	while (log->len && log->data[log->len - 1] == ' ')
		log->data[--log->len] = 0;
}

static jv no_input(jq_state *jq, void *data)
{
	(void)jq;
	(void)data;
	return jv_invalid();
}

/* `debug` prints nothing: stderr is for the tools' own messages. */
static void drop_message(void *data, jv msg)
{
	(void)data;
	jv_free(msg);
}

int jqp_new(const char *text, const char *name, struct js args, struct jqp **out, struct err *e)
{
	struct jqp *p = xcalloc(1, sizeof *p);

	*out = NULL;
	p->name = xstrdup(name);
	p->jq = jq_init();
	if (!p->jq)
		die(EXIT_ERROR, "out of memory (jq)");
	jq_set_error_cb(p->jq, keep_message, p);
	/* libjq 1.6 leaves these two pointers uninitialised */
	jq_set_input_cb(p->jq, no_input, NULL);
	jq_set_debug_cb(p->jq, drop_message, NULL);
	/* so that import does not find files by chance */
	jq_set_attr(p->jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
	jq_set_attr(p->jq, jv_string("JQ_ORIGIN"), jv_string("/nonexistent"));
	jq_set_attr(p->jq, jv_string("PROGRAM_ORIGIN"), jv_string("/nonexistent"));
	if (!jq_compile_args(p->jq, text,
	                     js_kind(args) == JS_OBJECT ? jv_copy(to_jv(args)) : jv_object())) {
		tidy(&p->log);
		err_set(e, "%s: %s", name, p->log.len ? p->log.data : "does not compile");
		jqp_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

int jqp_load(const char *path, struct js args, struct jqp **out, struct err *e)
{
	struct buf text = {0};
	int rc = -1;

	*out = NULL;
	if (!file_read(path, MAX_PROGRAM, &text, e)) {
		if (strlen(text.data) != text.len)
			err_set(e, "%s: holds a NUL byte", path);
		else
			rc = jqp_new(text.data, path, args, out, e);
	}
	buf_release(&text);
	return rc;
}

/* Consumes r, an invalid value. 1: it held an error (or the program halted), which is now in e. */
static int run_error(struct jqp *p, jv r, struct err *e)
{
	jv msg = jv_invalid_get_msg(r);

	if (jq_halted(p->jq)) {
		jv_free(msg);
		err_set(e, "%s: halted", p->name);
		return 1;
	}
	if (jv_get_kind(msg) == JV_KIND_NULL) {
		jv_free(msg);
		return 0;
	}
	if (jv_get_kind(msg) != JV_KIND_STRING)
		msg = jv_dump_string(msg, 0);
	err_set(e, "%s: %s", p->name, jv_string_value(msg));
	jv_free(msg);
	return 1;
}

int jqp_run(struct jqp *p, struct js input, struct js *out, struct err *e)
{
	jv first, second;

	*out = js_none();
	buf_clear(&p->log);
	jq_start(p->jq, js_kind(input) == JS_NONE ? jv_null() : jv_copy(to_jv(input)), 0);
	first = jq_next(p->jq);
	if (!jv_is_valid(first)) {
		if (!run_error(p, first, e))
			err_set(e, "%s: gave no result", p->name);
		return -1;
	}
	second = jq_next(p->jq);
	if (jv_is_valid(second)) {
		jv_free(second);
		jv_free(first);
		return err_set(e, "%s: gave more than one result", p->name);
	}
	if (run_error(p, second, e)) {
		jv_free(first);
		return -1;
	}
	*out = to_js(first);
	return 0;
}

void jqp_free(struct jqp *p)
{
	if (!p)
		return;
	if (p->jq)
		jq_teardown(&p->jq);
	free(p->name);
	buf_release(&p->log);
	free(p);
}
