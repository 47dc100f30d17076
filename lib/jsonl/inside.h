/* SPDX-License-Identifier: MIT */
/* Private to this room: struct js is libjq's jv, byte for byte, except that "absent" is all
 * zeros. */
#ifndef JSONL_GLUE_H
#define JSONL_GLUE_H

#include <string.h>

#include <jv.h>

#include "jsonl/jsonl.h"

enum { JS_MAX_DEPTH = 200 };

/* 2^53: all integers up to it are exact doubles. */
#define JS_MAX_WHOLE 9007199254740992.0

/*
 * Powers of ten that are exact doubles. An integer up to 2^53 multiplied or divided by one of them
 * is a single correctly rounded operation, so the result is the correct double for the decimal (W.
 * D. Clinger, How to Read Floating Point Numbers Accurately, 1990). Most numbers in a record are
 * that short.
 */
enum { JS_EXACT_POWERS = 22 };
extern const double js_pow10[JS_EXACT_POWERS + 1];

_Static_assert(sizeof(struct js) == sizeof(jv), "struct js holds a jv");

static inline jv to_jv(struct js v)
{
	jv r;

	memcpy(&r, &v, sizeof r);
	return r;
}

/* Consumes r. An invalid value (such as a missing key) becomes the absent one. */
static inline struct js to_js(jv r)
{
	struct js v = {{0, 0}};

	if (jv_get_kind(r) == JV_KIND_INVALID)
		jv_free(r);
	else
		memcpy(&v, &r, sizeof v);
	return v;
}

#endif
