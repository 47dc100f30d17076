# SPDX-License-Identifier: MIT
# Answer; name what is wrong with it; answer in that light.
[.prompt, "Look at your answer critically. What is wrong with it? Do not answer again yet.",
	"Now answer the question again, in the light of what you found."][.turns | length]
