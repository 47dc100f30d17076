/* SPDX-License-Identifier: MIT */
/* judge: the state of a job (run by job.c), and its verdict. */
#ifndef JUDGE_H
#define JUDGE_H

#include "clock.h"
#include "job.h"

enum {
	/* maximum factor on the wall limit for a program that waits for a core */
	STARVED = 4,
	NONCE = 16,
};

struct limits {
	double cpu, wall;
	int64_t memory, output;
};

struct job {
	struct limits limit;
	int channel, out, listener, pidfd;   /* -1: none */
	int reply, tester_pidfd;             /* the tester's; -1: none */
	int answered;                        /* the tester has given its verdict, or closed its end */
	int tester_done, program_done;       /* true once they are gone */
	int tester_dead, keeper_dead, zygote_dead, timed_out, cpu_out, tester_out;
	int starved, flooded, violated, looked;
	/* killed by us because the tester was done */
	int cut_off;
	pid_t pid, tester_pid;               /* as seen from here; 0: unknown */
	int call;                            /* system call of the violation */
	int64_t printed;
	unsigned char nonce[NONCE];
	struct buf tester, program, fate;    /* the verdict; how program and tester ended */
	/* begin and end; the tester's CPU clock at the beginning */
	double begun, ended, tester_cpu;
	/* the tester's scheduler statistics early in this job */
	struct sched tester_before;
};

/* A field's value if it is a positive number, else `otherwise`. */
double job_number(const struct buf *b, const char *key, double otherwise);
void judge_say(struct buf *reply, const char *status, const char *fmt, ...) PRINTF(3, 4);
/* Writes the verdict of a job whose processes have ended. */
void judge(const struct box *b, const struct job *j, struct buf *reply);

#endif
