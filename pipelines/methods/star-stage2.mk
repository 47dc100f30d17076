# SPDX-License-Identifier: MIT
# Ablation: STaR in place of policy gradient in Stage II.
TRAINER = pipelines/methods/star-stage2.sh
