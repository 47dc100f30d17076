# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the loops have in common; sourced by them, and by the recipes of experiment.mk.
set -euo pipefail
# filters share the cores: threads that wait must not spin
export SCORE_WAIT=${SCORE_WAIT:-passive}

say() { echo "${0##*/}: $*" >&2; }
die() { say "$@"; exit 1; }

# As one element of a pipeline: a filter that ends with this shell. After kill -9 of the shell no
# filter goes on by itself.
tied() { exec setpriv --pdeathsig KILL -- "$@"; }

# One at a time: waits for $1, a folder or a file that is made for this, which this shell and all
# that it starts hold until the last of them has ended.
lock() {
	local fd

	[[ -d $1 ]] || : >>"$1"
	exec {fd}<"$1"
	flock -n "$fd" || { say "another process is at work in $1: waiting for its end"; flock "$fd"; }
}

# Array $1 gets the words of $2, read as the shell reads a command line: quotes keep spaces.
words() { eval "$1=($2)" || die "not the words of a command line: $2"; }

# Seconds $1 as H:MM:SS.
clock() { printf '%d:%02d:%02d' $(($1 / 3600)) $(($1 / 60 % 60)) $(($1 % 60)); }

# Rows of metrics of run $1, as far as they are whole.
rows() { jq -cR 'fromjson? | objects' "$1/metrics.jsonl" 2>/dev/null || :; }
