/* SPDX-License-Identifier: MIT */
/*
 * Batches. A case is a list of lines "step size index sample group [id]" ("- [sample]" for a line
 * without batch); what came out is "step:lines" per batch, then the error, if any.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traj/traj.h"
#include "tap.h"

static char path[] = "/tmp/score-batch-XXXXXX";

static void write_lines(const char *lines)
{
	struct buf b = {0};
	struct err e;

	for (const char *p = lines; *p; p += strcspn(p, ";"), p += *p == ';') {
		int64_t step, size, index;
		int sample, group;
		char id[16] = "";
		int n = sscanf(p, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %d %d %15[a-z]", &step, &size,
		               &index, &sample, &group, id);

		if (n < 5) {
			if (*p == '!')
				buf_adds(&b, "{\"batch\":1}\n");
			else if (sscanf(p, "- %d", &sample) == 1)
				buf_addf(&b, "{\"id\":\"x\",\"sample\":%d}\n", sample);
			else
				buf_adds(&b, "{\"id\":\"x\"}\n");
			continue;
		}
		buf_addf(&b, "{\"id\":\"%s%" PRId64 "\",\"batch\":{\"step\":%" PRId64 ",\"size\":%" PRId64
		         ",\"index\":%" PRId64 "}", id, index, step, size, index);
		if (sample >= 0)
			buf_addf(&b, ",\"sample\":%d", sample);
		if (group)
			buf_addf(&b, ",\"group\":%d", group);
		buf_adds(&b, "}\n");
	}
	if (file_write(path, b.data ? b.data : "", b.len, &e))
		diag("%s", e.msg);
	buf_release(&b);
}

static void read_batches(int partial, struct buf *out)
{
	struct err e = {0};
	struct jl_in *in;
	struct batch_in *b;
	struct batch batch;
	int rc;

	buf_clear(out);
	if (jl_open(path, &in, &e)) {
		buf_adds(out, e.msg);
		return;
	}
	b = batch_in_new(in, TRAJ_ID, partial);
	while ((rc = batch_read(b, &batch, &e)) > 0) {
		if (batch.stamped)
			buf_addf(out, "%lld:", (long long)batch.step);
		else
			buf_adds(out, "-:");
		for (size_t i = 0; i < batch.n; i++)
			buf_addf(out, "%s%zu", i ? "," : "", batch.t[i].line);
		buf_adds(out, " ");
		batch_release(&batch);
	}
	if (rc < 0)
		buf_adds(out, strstr(e.msg, path) == e.msg ? e.msg + strlen(path) : e.msg);
	else
		buf_addf(out, "end");
	if (batch.n || batch.t || batch_read(b, &batch, &e) != 0)
		buf_adds(out, " and more");
	batch_in_free(b);
	jl_close(in);
}

#define HINT " (--partial takes what is there)"
#define CUT(id, n, of) \
	"batch of step 7 is cut short: problem " id " has " #n " of " #of " samples" HINT
#define NONE_OF(n, of, index) \
	"batch of step 7 is cut short: " #n " of " #of " problems, none of index " #index HINT

static const struct {
	const char *lines, *whole, *partial;    /* NULL: as whole */
} cases[] = {
	{"", "end", NULL},
	{"7 1 0 -1 0", "7:1 end", NULL},
	{"7 2 1 -1 0;7 2 0 -1 0;8 1 0 -1 0", "7:1,2 8:3 end", NULL},
	{"7 2 0 0 2;7 2 1 1 2;7 2 0 1 2;7 2 1 0 2", "7:1,2,3,4 end", NULL},
	{"7 2 0 5 2;7 2 0 9 2;7 2 1 3 1", "7:1,2,3 end", NULL},
	{"8 1 0 -1 0;7 1 0 -1 0", "8:1 7:2 end", NULL},
	/* cut short */
	{"7 2 0 0 2;7 2 1 0 2;7 2 1 1 2", ":3: end of input, but " CUT("0", 1, 2), "7:1,2,3 end"},
	{"7 2 0 -1 0", ":1: end of input, but " NONE_OF(1, 2, 1), "7:1 end"},
	{"7 9007199254 0 -1 0", ":1: end of input, but " NONE_OF(1, 9007199254, 1), "7:1 end"},
	{"7 2 0 -1 0;8 1 0 -1 0", ":2: a line of step 8, but " NONE_OF(1, 2, 1), "7:1 8:2 end"},
	{"6 1 0 -1 0;7 2 0 0 4;7 2 0 3 4;8 1 0 -1 0", "6:1 :4: a line of step 8, but " CUT("0", 2, 4),
	 "6:1 7:2,3 8:4 end"},
	{"7 2 0 0 1000000;7 2 1 0 1", ":2: end of input, but " CUT("0", 1, 1000000), "7:1,2 end"},
	/* twice */
	{"7 2 0 0 2;7 2 0 0 2", ":2: .sample: problem 0 has sample 0 a second time (first on line 1)",
	 NULL},
	{"7 2 0 -1 0;7 2 0 0 0", ":2: .sample: problem 0 has sample 0 a second time (first on line 1)",
	 NULL},
	{"7 2 0 0 1;7 2 0 1 1", ":2: .group: problem 0 has more than 1 samples", NULL},
	{"7 1 0 0 1;7 1 0 0 1", "7:1 :2: batch of step 7 was whole before this line", NULL},
	/* disagreement */
	{"7 2 0 0 2;7 3 1 0 2", ":2: .batch.size: 3, but this batch began with 2", NULL},
	{"7 2 0 0 2;7 2 0 1 3", ":2: .group: 3, but this problem's first sample says 2 (line 1)", NULL},
	{"7 2 0 0 2 a;7 2 0 1 2 b", ":2: .id: differs from line 1 of the same index 0", NULL},
	{"7 1 0 0 1;-", "7:1 :2: .batch: some lines have it, others do not", NULL},
	{"7 2 0 0 1;-", ":2: .batch: some lines have it, others do not", NULL},
	{"-;7 1 0 0 1", ":2: .batch: some lines have it, others do not", NULL},
	{"7 1 0 0 1;!", "7:1 :2: .id: missing", NULL},
	/* a batch of one line cut another one short: it is whole itself */
	{"7 2 0 -1 0;8 1 0 -1 0;8 1 0 -1 0", ":2: a line of step 8, but " NONE_OF(1, 2, 1),
	 "7:1 8:2 :3: batch of step 8 was whole before this line"},
	/* no batch: all of it */
	{"-;- 1;- 2", "-:1,2,3 end", NULL},
	{"-;- 1;- 1", ":3: .sample: problem x has sample 1 a second time (first on line 2)", NULL},
	{"-;-", ":2: .sample: problem x has sample 0 a second time (first on line 1)", NULL},
};

int main(void)
{
	struct buf got = {0}, lines = {0};
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	for (size_t i = 0; i < LEN(cases); i++) {
		write_lines(cases[i].lines);
		for (int partial = 0; partial < 2; partial++) {
			const char *want = partial && cases[i].partial ? cases[i].partial : cases[i].whole;

			read_batches(partial, &got);
			if (!ok(!strcmp(got.data, want), "case %zu%s", i, partial ? ", partial" : ""))
				diag("%s: got %s, expected %s", cases[i].lines, got.data, want);
		}
	}
	/* many lines: tables grow; the last line is the one that makes it whole */
	for (int i = 0; i < 3000; i++)
		buf_addf(&lines, "0 1000 %d %d 3;", 999 - i / 3, i % 3);
	write_lines(lines.data);
	read_batches(0, &got);
	ok(!strncmp(got.data, "0:1,2,3,", 8) && strstr(got.data, ",2999,3000 end"),
	   "3000 lines, from the last index to the first");
	lines.data[lines.len - 1] = 0;
	*strrchr(lines.data, ';') = 0;
	write_lines(lines.data);
	read_batches(0, &got);
	ok(!strcmp(got.data, ":2999: end of input, but batch of step 0 is cut short: problem 0 has 2 "
	                     "of 3 samples" HINT),
	   "%s", got.data);
	unlink(path);
	buf_release(&got);
	buf_release(&lines);
	return done();
}
