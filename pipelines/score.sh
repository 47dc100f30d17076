#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SCoRe: Stage I, then Stage II, two pipelines of filters a step.
# usage: score.sh RUN          (a folder that holds weights.lmdb and train.jsonl)
# Settings come from the environment, below.
#
# Stops and goes on at any instant. Where it is, it reads from the store: the rows of metrics since
# the snapshot that it began with must be steps of Stage I, then of Stage II; anything else is
# refused. The first pipeline of a step ends in a file, RUN/batches/STEP.jsonl, which has this name
# once it is whole and on the disk; the second one learns from that file. A step that was
# interrupted in between uses it again, if the weights that are there now give its responses the
# same log-probabilities, to the bit: else other weights wrote it. Leaves the tags stage1 and
# stage2 in the store; RUN/metrics.jsonl grows by a row a step; RUN/settings.json is what the run
# was made with, and a run that was begun with other settings is refused (only the numbers of steps
# may grow).
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

case ${1--h} in -*) sed -n "s|^# usage: |usage: |p" "$0" >&2; exit 2 ;; esac
run=$1 here=$(dirname "$0")
STAGE1=${STAGE1:-50}                      # steps of Stage I
STAGE2=${STAGE2:-100}                     # steps of Stage II
ROUNDS=${ROUNDS:-1}                       # how often both stages run, one after the other
BEGIN=${BEGIN:-base}                      # the tag of the snapshot to begin with
REFERENCE=${REFERENCE:-base}              # the tag of the snapshot that KL is taken to
PROBLEMS=${PROBLEMS:-16}                  # problems a step
SAMPLES=${SAMPLES:-8}                     # samples a problem
SEED=${SEED:-0}
# Command lines, read as the shell reads them: an argument with spaces is put in quotes.
SAMPLE=${SAMPLE-}                         # options of score-sample, for training and evaluation
VERIFIER=${VERIFIER:-score-verify}        # any filter that writes reward and verdict
VERIFY=${VERIFY-}                         # its options
ROLLOUT=${ROLLOUT-}                       # any filter from problems to verified trajectories
BEST=${BEST:-0}                           # tag the best: by mean reward of so many steps; 0: no
EVALUATE=${EVALUATE:-0}                   # evaluate every so many steps; 0: no
VALID=${VALID:-$run/valid.jsonl}          # ... on these problems, by eval.sh,
EVAL_SAMPLE=${EVAL_SAMPLE-}               # ... with these options of score-sample, too
LIMITS=${LIMITS-}                         # options of warnings.jq: its limits
BONUS1=${BONUS1-}                         # options of score-bonus in Stage I
BONUS2=${BONUS2:---alpha 10}              # ... and in Stage II
UPDATE1=${UPDATE1:---lr 5e-6 --beta1 0.01 --beta2 0.1}        # ... of score-update
UPDATE2=${UPDATE2:---lr 5e-6 --beta1 0.01}
sample=() verifier=()
words sample "$SAMPLE"
words verifier "$VERIFIER $VERIFY"
rollout=() eval_sample=() limits=()
words rollout "$ROLLOUT"
words eval_sample "$EVAL_SAMPLE"
words bonus1 "$BONUS1"
words bonus2 "$BONUS2"
words update1 "$UPDATE1"
words update2 "$UPDATE2"
words limits "$LIMITS"

export SCORE_WEIGHTS=$run/weights.lmdb
mkdir -p "$run/batches"
lock "$run/batches"

# One line for the eye: on a terminal the filters' own would come between.
one_line=
if [[ -t 2 ]]; then
	exec {terminal}>&2 2> >(exec cat >&2)
	one_line=1
fi
progress() { if [[ $one_line ]]; then printf '\r\e[K%s' "$1" >&"$terminal"; else say "$1"; fi; }

# ---- where the run is ----

at() { score-weights show "$@" | jq .step; }

first=$(at -s "$BEGIN")
now=$(at)
total=$(((STAGE1 + STAGE2) * ROUNDS))
stage() { echo $((($1 - first) % (STAGE1 + STAGE2) < STAGE1 ? 1 : 2)); }      # of step $1
found=$(score-weights metrics --from $((first + 1)) |
	jq -rs --argjson first "$first" --argjson now "$now" --argjson one "$STAGE1" \
		--argjson two "$STAGE2" --argjson rounds "$ROUNDS" --arg begin "$BEGIN" \
		-f "$here/position.jq")
[[ $found =~ ^[0-9]+$ ]] || die "$SCORE_WEIGHTS: $found"
group=training more=()                    # settings that are recorded where they are not usual
[[ $BEGIN == base ]] || group="training after $BEGIN"
[[ $REFERENCE == base ]] || more+=(reference="$REFERENCE")
[[ -z $ROLLOUT ]] || more+=(rollout="$ROLLOUT")
((ROUNDS == 1)) || more+=(rounds="$ROUNDS")
"$here/settings.sh" "$run" "$group" "$( ((found > 0)) && echo same || echo new)" \
	"a fresh copy of the base model in $SCORE_WEIGHTS begins anew" \
	steps="$STAGE1 $STAGE2" problems="$PROBLEMS" samples="$SAMPLES" seed="$SEED" sample="$SAMPLE" \
	verifier="$VERIFIER $VERIFY" bonus1="$BONUS1" bonus2="$BONUS2" \
	update1="$UPDATE1" update2="$UPDATE2" train="'$run/train.jsonl'" "${more[@]}"

# ---- a step ----

# Is file $3 the whole batch of step $1, of stage $2, every turn verified, and not all in vain?
# score-bonus counts.
whole() {
	[[ -f $3 ]] || return 1
	score-bonus --stage "$2" "${bonus[@]}" "$3" 2>/dev/null | jq -en --argjson step "$1" '
		reduce inputs as $t ({}; .other = (.other or $t.batch.step != $step) |
			.valid = (.valid or all($t.turns[]; .reward != null)))
		| .valid and (.other | not)' >/dev/null
}

# Did the latest weights write it?
ours() {
	score-logprob --as again "$1" |
		jq -en 'all(inputs.turns[]; .given or .again == .logprobs)' >/dev/null
}

# Makes file $3: verified trajectories of step $1, which score-bonus takes. (Every filter must be
# this shell's own child: a function that is a pipeline would be in between.)
export SAMPLES SEED SAMPLE VERIFIER VERIFY        # for ROLLOUT
fresh() {
	if ((${#rollout[@]})); then
		tied score-draw -n "$PROBLEMS" --step "$1" --seed "$SEED" "$run/train.jsonl" |
			tied "${rollout[@]}" >"$3.part"
	else
		tied score-draw -n "$PROBLEMS" --step "$1" --seed "$SEED" "$run/train.jsonl" |
			tied score-sample -n "$SAMPLES" --seed "$SEED" "${sample[@]}" |
			tied "${verifier[@]}" >"$3.part"
	fi
	score-bonus --stage "$2" "${bonus[@]}" "$3.part" >/dev/null
	sync "$3.part"
	mv "$3.part" "$3"
	sync "${3%/*}"
}

# Step $1 of stage $2.
step() {
	local saved=$run/batches/$1.jsonl
	local -n bonus=bonus$2 update=update$2

	if ! { whole "$1" "$2" "$saved" && ours "$saved"; }; then
		fresh "$1" "$2" "$saved"
	fi
	tied score-bonus --stage "$2" "${bonus[@]}" "$saved" |
		tied score-update --reference "$REFERENCE" "${update[@]}" >>"$run/metrics.jsonl"
}

# RUN/warnings.txt: which statistics have left their band, and when. What did at step $1 is said.
warn() {
	local line

	jq -rn "${limits[@]}" -f "$here/warnings.jq" "$run/metrics.jsonl" >"$run/warnings.txt.part"
	mv "$run/warnings.txt.part" "$run/warnings.txt"
	while IFS= read -r line; do
		[[ $line == "step $1: "* ]] || continue
		[[ ! $one_line ]] || printf '\r\e[K' >&"$terminal"
		say "warning: $line"
	done <"$run/warnings.txt"
}

# What is done with the weights of the last step before the next one.
look() {
	local best

	if ((BEST > 0)); then
		best=$(jq -rs --argjson over "$BEST" --argjson first "$first" -f "$here/best.jq" \
			"$run/metrics.jsonl")
		[[ -z $best ]] || score-weights tag -s "$best" best >/dev/null
	fi
	if ((EVALUATE > 0 && (now - first) % EVALUATE == 0)) &&
		[[ ! -e $run/eval/step-$now.json ]]; then
		mkdir -p "$run/eval"
		"$here/eval.sh" "$SCORE_WEIGHTS" "$now" "$VALID" "$run/eval/step-$now" \
			"${eval_sample[@]}" >/dev/null
	fi
}

score-weights metrics >"$run/metrics.jsonl.part"
mv "$run/metrics.jsonl.part" "$run/metrics.jsonl"
warn none
((found == total)) ||
	say "Stage I: $STAGE1 steps, Stage II: $STAGE2, of $PROBLEMS problems x $SAMPLES samples"
before=$now began=$SECONDS
while :; do
	((now - first != STAGE1)) || score-weights tag stage1 >/dev/null
	look
	((now - first < total)) || break
	stage=$(stage "$now")
	step "$now" "$stage"
	now=$((now + 1))
	warn "$now"
	left=$(((SECONDS - began) * (first + total - now) / (now - before)))
	progress "$(tail -n 1 "$run/metrics.jsonl" |
		jq -r --arg total $((first + total)) --arg left "$(clock $left)" '
			([.reward[] | . * 1000 | round / 1000 | tostring] | join(" ")) as $reward
			| "step \(.step) of \($total), stage \(.stage): reward \($reward), \($left) left"')"
done
score-weights tag stage2 >/dev/null
[[ ! $one_line ]] || ((now == before)) || echo >&"$terminal"
