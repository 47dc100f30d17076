#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Stage I as ever, then STaR (D+) from there. usage: star-stage2.sh RUN
here=$(dirname "$0")/..
score-weights show -w "$1/weights.lmdb" -s stage1 >/dev/null 2>&1 || STAGE2=0 "$here/score.sh" "$1"
BEGIN=stage1 CHOOSE=$here/methods/star-plus.jq exec "$here/imitate.sh" "$1"
