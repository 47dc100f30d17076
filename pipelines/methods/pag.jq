# SPDX-License-Identifier: MIT
# Each turn earns its own: the answer, a judgement that fits it, the revision and its progress.
.turns as [$answer, $judged, $again]
| ($judged.response | test("wrong"; "i")) as $wrong
| [$answer.reward, (if $wrong == ($answer.reward < 1) then 1 else 0 end),
	($again // empty | .reward + $alpha * (.reward - $answer.reward))]
