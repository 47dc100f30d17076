# SPDX-License-Identifier: MIT
# The verifier's word so far decides; where it has not spoken (evaluation), try again.
if (.turns | length) == 0 then .prompt
elif .turns[-1].reward == 1 then null
else "That is wrong. Try again." end
