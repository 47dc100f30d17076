# SPDX-License-Identifier: MIT
# Ablation: no first attempts of the policy's own; all are the base model's, given.
ROLLOUT = pipelines/methods/given-first.sh
