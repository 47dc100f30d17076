#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SCoRe: Stage I, then Stage II, one pipeline of filters per step.
# usage: score.sh RUN          (a folder that holds weights.lmdb and train.jsonl; settings from the environment, below)
#
# Stops and goes on at any instant: where to go on is read from the store. Every verified batch is kept as
# RUN/batches/STEP.jsonl; a step that was interrupted after its batch was whole uses that batch again, if the
# weights that are there now give its responses the same log-probabilities, to the bit: else other weights wrote it.
# Leaves the tags stage1 and stage2 in the store, and RUN/metrics.jsonl.
set -euo pipefail

case ${1--h} in -*) sed -n "s|^# usage: |usage: |p" "$0" >&2; exit 2 ;; esac
run=$1
STAGE1=${STAGE1:-50}                      # steps of Stage I
STAGE2=${STAGE2:-100}                     # steps of Stage II
PROBLEMS=${PROBLEMS:-16}                  # problems a step
SAMPLES=${SAMPLES:-8}                     # samples a problem
SEED=${SEED:-0}
SAMPLE=${SAMPLE-}                        # more options of score-sample, for training and evaluation
VERIFY=${VERIFY-}                        # ... of score-verify
BONUS1=${BONUS1-}                        # ... of score-bonus in Stage I
BONUS2=${BONUS2:---alpha 10}              # ... and in Stage II
UPDATE1=${UPDATE1:---lr 5e-6 --beta1 0.01 --beta2 0.1}        # ... of score-update
UPDATE2=${UPDATE2:---lr 5e-6 --beta1 0.01}

export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}      # filters share the cores: threads that wait must not spin
export SCORE_WEIGHTS=$run/weights.lmdb
mkdir -p "$run/batches"

# Is file $2 the whole batch of step $1, every turn verified, and not all in vain? score-bonus counts.
whole() {
	[[ -f $2 ]] && score-bonus --stage 1 "$2" 2>/dev/null | jq -en --argjson step "$1" '
		reduce inputs as $t ({}; .other = (.other or $t.batch.step != $step) |
			.valid = (.valid or all($t.turns[]; .reward != null))) | .valid and (.other | not)' >/dev/null
}

# Did the latest weights write it?
ours() { score-logprob --as again "$1" | jq -en 'all(inputs.turns[]; .given or .again == .logprobs)' >/dev/null; }

# Fresh verified trajectories of step $1, saved on their way.
# shellcheck disable=SC2086
fresh() {
	score-draw -n "$PROBLEMS" --step "$1" --seed "$SEED" "$run/train.jsonl" |
		score-sample -n "$SAMPLES" --seed "$SEED" $SAMPLE |
		score-verify $VERIFY |
		tee "$run/batches/$1.jsonl.part"
}

# Step $1 of stage $2.
# shellcheck disable=SC2086
step() {
	local saved=$run/batches/$1.jsonl bonus=BONUS$2 update=UPDATE$2

	if ! whole "$1" "$saved" && whole "$1" "$saved.part"; then
		mv "$saved.part" "$saved"
	fi
	if whole "$1" "$saved" && ours "$saved"; then
		score-bonus --stage "$2" ${!bonus} "$saved" | score-update --reference base ${!update}
	else
		fresh "$1" | score-bonus --stage "$2" ${!bonus} | score-update --reference base ${!update}
		mv "$saved.part" "$saved"
	fi
}

at() { score-weights show "$@" | jq .step; }

first=$(at -s base)
now=$(at)
# The batch of a step that was committed before its file got its name.
last=$run/batches/$((now - 1)).jsonl
[[ ! -f $last.part ]] || mv "$last.part" "$last"
while :; do
	((now != first + STAGE1)) || score-weights tag stage1 >/dev/null
	((now != first + STAGE1 + STAGE2)) || score-weights tag stage2 >/dev/null
	((now < first + STAGE1 + STAGE2)) || break
	stage=$((now < first + STAGE1 ? 1 : 2))
	step "$now" "$stage" | jq -r --argjson total $((first + STAGE1 + STAGE2)) \
		'"step \(.step) of \($total), stage \(.stage): reward \([.reward[] | . * 1000 | round / 1000 | tostring] | join(" "))"' >&2
	now=$((now + 1))
done
score-weights metrics >"$run/metrics.jsonl.part"
mv "$run/metrics.jsonl.part" "$run/metrics.jsonl"
