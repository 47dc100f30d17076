# SPDX-License-Identifier: MIT
# Where the verifier has not spoken (evaluation), reflect in any case.
if (.turns | length) == 0 then .prompt
elif (.turns | length) == 2 then "Now answer the question again."
elif .turns[0].reward == 1 then null
else "That answer was wrong. Say in a few words what went wrong, and how to do better." end
