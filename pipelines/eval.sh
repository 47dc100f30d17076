#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Evaluation of a snapshot on a problem file.
# usage: eval.sh STORE SNAPSHOT PROBLEMS.jsonl OUT [options of score-sample]
#
# Writes OUT.jsonl (the verified trajectories) and prints score-eval's object, which is also OUT.json.
# Settings from the environment: SAMPLE, VERIFY, EVAL, more options of score-sample, score-verify, score-eval.
set -euo pipefail
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}      # filters share the cores: threads that wait must not spin
(($# >= 4)) || { sed -n 4p "$0" >&2; exit 2; }
store=$1 snapshot=$2 problems=$3 out=$4
shift 4

# shellcheck disable=SC2086
score-sample -w "$store" -s "$snapshot" ${SAMPLE-} "$@" "$problems" | score-verify ${VERIFY-} >"$out.jsonl.part"
mv "$out.jsonl.part" "$out.jsonl"
# shellcheck disable=SC2086
score-eval ${EVAL-} "$out.jsonl" >"$out.json.part"
mv "$out.json.part" "$out.json"
cat "$out.json"
