# SPDX-License-Identifier: MIT
# A verifier: jq -c --unbuffered -f words.jq. A response has as many words as the answer says.
(.answer | tonumber) as $wanted |
.turns |= map(if has("reward") then . else
    (.response / "\n" | join(" ") / " " | map(select(. != "")) | length) as $found |
    .reward = ([0, 1 - ($found - $wanted | fabs) / $wanted] | max) |
    .verdict = {status: (if $found == $wanted then "pass" else "fail" end), answer: "\($found)"}
end)
