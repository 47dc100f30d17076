#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Stage I for the second attempt; for the third, the others held to what the second one's made; then
# Stage II for all. usage: three.sh RUN
set -euo pipefail
train=$(dirname "$0")/../score.sh sample=${SAMPLE-}
phase() { # TAG RUN: runs score.sh unless its result is there
	score-weights show -w "$2/weights.lmdb" -s "$1" >/dev/null 2>&1 && return
	"$train" "$2"
	score-weights tag -w "$2/weights.lmdb" "$1" >/dev/null
}
STAGE2=0 SAMPLE="$sample --turns 2" phase attempt2 "$1"
BEGIN=attempt2 REFERENCE=attempt2 STAGE2=0 SAMPLE="$sample --turns 3" phase attempt3 "$1"
BEGIN=attempt3 STAGE1=0 SAMPLE="$sample --turns 3" exec "$train" "$1"
