# SPDX-License-Identifier: MIT
# 0.25: the paper's beta2 for programs.
.turns[0] as $t | ([$t.logprobs, $t.ref_logprobs] | transpose | map(.[0] - .[1]) | add // 0) as $kl
| [null, .turns[1].reward - 0.25 * $kl]
