# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For rollouts of one's own (ROLLOUT in score.sh); sourced by them. sample and verify are
# score-sample, with further options, and the verifier, as the run has them; each is an element of
# one flat pipeline, so that it ends with the script.
# shellcheck source=pipelines/common.sh
. "${BASH_SOURCE[0]%/*}/common.sh"
sample() {
	local options=()

	words options "$SAMPLE"
	tied score-sample --seed "$SEED" "${options[@]}" "$@"
}
verify() {
	local command=()

	words command "$VERIFIER $VERIFY"
	tied "${command[@]}"
}
