#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Supervised learning from the model's own samples: one round of sampling, a choice, training.
# usage: imitate.sh RUN         (a folder that holds weights.lmdb and train.jsonl)
#
# CHOOSE is a jq program from all verified trajectories, as one array, to documents. SAMPLES,
# SAMPLE, VERIFIER, VERIFY, SEED and BEGIN are as in score.sh; SFT: steps, documents a step, options
# of score-update. Leaves samples.jsonl and documents.jsonl in RUN/imitation, and the tag stage2 in
# the store.
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
(($# == 1)) || { sed -n 4p "$0" >&2; exit 2; }
run=$1 here=$(dirname "$0") sample=() verifier=() sft=()
words sample "${SAMPLE-}"
words verifier "${VERIFIER:-score-verify} ${VERIFY-}"
words sft "$SFT"
export SCORE_WEIGHTS=$run/weights.lmdb made=$run/imitation
mkdir -p "$made"
lock "$made"

at() { score-weights show "$@" | jq .step; }
begin=$(at -s "${BEGIN:-base}")
if [[ ! -e $made/documents.jsonl ]]; then
	say "${SAMPLES:-8} samples a problem"
	tied score-sample -s "$begin" -n "${SAMPLES:-8}" --seed "${SEED:-0}" "${sample[@]}" \
		"$run/train.jsonl" | tied "${verifier[@]}" >"$made/samples.jsonl.part"
	mv "$made/samples.jsonl.part" "$made/samples.jsonl"
	jq -cs -f "$CHOOSE" "$made/samples.jsonl" >"$made/documents.jsonl.part"
	[[ -s $made/documents.jsonl.part ]] || die "$CHOOSE: chose none of the samples"
	mv "$made/documents.jsonl.part" "$made/documents.jsonl"
fi
say "$(wc -l <"$made/documents.jsonl") documents"
reset=()
(($(at) > begin)) || reset=(--reset-optimizer)
"$here/sft.sh" "$SCORE_WEIGHTS" "$made/documents.jsonl" $((begin + sft[0])) "${sft[@]:1}" \
	"${reset[@]}" >>"$run/metrics.jsonl"
score-weights tag stage2 >/dev/null
