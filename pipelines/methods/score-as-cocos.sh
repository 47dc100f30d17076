#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Problems to verified trajectories that say what the base model thinks of them, too.
# shellcheck source=pipelines/rollout.sh
. "$(dirname "$0")/../rollout.sh"
sample -n "$SAMPLES" | tied score-logprob -s base | verify
