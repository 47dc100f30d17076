# SPDX-License-Identifier: MIT
# Half of the first attempts are the base model's, given; of these only the second attempt learns.
ROLLOUT = pipelines/methods/offline.sh
