/* SPDX-License-Identifier: MIT */
/* Inside the room only: struct js is libjq's jv, byte for byte, except that "absent" is all zeros. */
#ifndef JSONL_GLUE_H
#define JSONL_GLUE_H

#include <string.h>

#include <jv.h>

#include "jsonl/jsonl.h"

enum { JS_MAX_DEPTH = 200 };

/* 2^53: every whole number up to it is a double of its own. */
#define JS_MAX_WHOLE 9007199254740992.0

_Static_assert(sizeof(struct js) == sizeof(jv), "struct js holds a jv");

static inline jv to_jv(struct js v)
{
	jv r;

	memcpy(&r, &v, sizeof r);
	return r;
}

/* Takes r over. An invalid value (a missing key, say) becomes the absent one. */
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
