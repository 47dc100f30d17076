# SPDX-License-Identifier: MIT
# The next message to the model: the problem, then a second look.
if (.turns | length) == 0 then .prompt
else "Count its words. If there are not \(.answer), write a better one. Only the sentence." end
