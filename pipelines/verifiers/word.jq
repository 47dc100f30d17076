# SPDX-License-Identifier: MIT
# A verifier: jq -c --unbuffered -f word.jq. The answer is one of the response's words.
(.answer | tostring) as $answer |
.turns |= map(if has("reward") then . else
    (.response | split(" ") | map(ltrimstr("=") | rtrimstr(".")) | any(. == $answer)) as $right |
    .reward = (if $right then 1 else 0 end) |
    .verdict = {status: (if $right then "pass" else "fail" end)}
end)
