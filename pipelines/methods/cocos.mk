# SPDX-License-Identifier: MIT
# CoCoS's kind of reward: what an attempt earns adds up over what follows, and progress counts.
include pipelines/methods/plain.mk
override BONUS2 := --return pipelines/methods/cocos.jq
