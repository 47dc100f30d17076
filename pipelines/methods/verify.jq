# SPDX-License-Identifier: MIT
# A judgement earns 1 if it fits and -1 if not; the answer that stands in the end earns 1 or -1 for
# every turn that led to it.
(.turns | length) as $n
| (.turns[1].response | test("wrong"; "i")) as $wrong
| ((.turns[2] // .turns[0]).reward * 2 - 1) as $stands
| [$stands, $stands + (if $wrong == (.turns[0].reward < 1) then 1 else -1 end), $stands] | .[:$n]
