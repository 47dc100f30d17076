# SPDX-License-Identifier: MIT
# Documents of STaR's D+: the second attempt is right. What is wrong is context, not learned.
.[] | select(.turns[0].reward != null and .turns[-1].reward == 1)
| .id += " \(.sample)" | del(.batch, .group, .sample) | .turns[] |= (.weight = .reward)
