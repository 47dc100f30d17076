/* SPDX-License-Identifier: MIT */
/* judge: a job as it stands, and what its verdict is (job.c runs it). */
#ifndef JUDGE_H
#define JUDGE_H

#include "clock.h"
#include "job.h"

enum {
	STARVED = 4,                 /* times the wall limit, at most, for one without a processor */
	NONCE = 16,
};

struct limits {
	double cpu, wall;
	int64_t memory, output;
};

struct job {
	struct limits limit;
	int channel, out, listener, pidfd;   /* -1: none */
	int reply, tester_pidfd;             /* of the tester; -1: none */
	int answered;                        /* the tester has given its verdict, or closed its end */
	int tester_done, program_done;       /* they are gone */
	int tester_dead, keeper_dead, zygote_dead, timed_out, cpu_out, tester_out;
	int starved, flooded, violated, looked;
	int cut_off;                         /* killed by us because the tester was done, not by itself
	                                      * or others */
	pid_t pid, tester_pid;               /* as seen from here; 0: unknown */
	int call;                            /* of the violation */
	int64_t printed;
	unsigned char nonce[NONCE];
	struct buf tester, program, fate;    /* the verdict; how each of the two ended */
	double begun, ended, tester_cpu;     /* when; the tester's clock then */
	struct sched tester_before;          /* when this job had taken a while */
};

/* A positive number among a message's fields. */
double job_number(const struct buf *b, const char *key, double otherwise);
void judge_say(struct buf *reply, const char *status, const char *fmt, ...) PRINTF(3, 4);
/* Writes the verdict of a job whose processes have ended. */
void judge(const struct box *b, const struct job *j, struct buf *reply);

#endif
