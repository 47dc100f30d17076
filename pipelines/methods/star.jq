# SPDX-License-Identifier: MIT
# Documents of STaR's D: wrong, then right. What is wrong is context, not learned.
.[] | select(.turns[0].reward == 0 and .turns[-1].reward == 1)
| .id += " \(.sample)" | del(.batch, .group, .sample) | .turns[] |= (.weight = .reward)
