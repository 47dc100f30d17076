/* SPDX-License-Identifier: MIT */
/* The progress line (--progress), the clock and the memory in use. */
#include "base/base.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

uint64_t rss_anon(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	uint64_t kib = 0;

	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "RssAnon: %" SCNu64, &kib) == 1)
			break;
	fclose(f);
	return kib * 1024;
}

void progress_start(struct progress *p, const char *label, const char *unit, double total,
                    int force)
{
	*p = (struct progress){.label = label, .unit = unit, .total = total,
	                       .started = now_seconds(), .on = force || isatty(2)};
}

static void show(struct progress *p, double now)
{
	double took = now - p->started, rate = took > 0 ? p->done / took : 0, left = 0;

	fprintf(stderr, "\r\033[K%s: %s: %.0f", prog_name(), p->label, p->done);
	if (p->total > 0)
		fprintf(stderr, "/%.0f", p->total);
	fprintf(stderr, " %s, %.1f/s", p->unit, rate);
	if (p->total > p->done && rate > 0)
		left = (p->total - p->done) / rate;
	else if (p->total <= 0 && p->share > 0 && p->share < 1)
		left = took * (1 - p->share) / p->share;
	if (left > 0)
		fprintf(stderr, ", %d:%02d:%02d left", (int)(left / 3600), (int)(left / 60) % 60,
		        (int)left % 60);
	fflush(stderr);
	p->shown = now;
}

void progress_add(struct progress *p, double n)
{
	double now;

	p->done += n;
	if (!p->on)
		return;
	now = now_seconds();
	if (now - p->shown >= 0.5)
		show(p, now);
}

void progress_end(struct progress *p)
{
	if (!p->on)
		return;
	show(p, now_seconds());
	fputc('\n', stderr);
	p->on = 0;
}
