# SPDX-License-Identifier: MIT
# Answer; judge it; answer again only if it was called wrong.
if (.turns | length) == 0 then .prompt
elif (.turns | length) == 1 then "Is this answer right? Reply with the one word right or wrong."
elif .turns[1].response | test("wrong"; "i") then "Then answer the question again."
else null end
