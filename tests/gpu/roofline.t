#!/bin/sh
# SPDX-License-Identifier: MIT
# The limits that score-engine(7) prints are what roofline.jq computes.
# shellcheck source=tests/tap.sh
. tests/tap.sh
jq -nrf tests/gpu/roofline.jq >"$tmp/rows"
grep -E '^(SmolLM2-135M|Llama-3-8B) ' man/score-engine.7 | tr -s ' ' >"$tmp/page"
ok 'there are rows' test -s "$tmp/rows"
ok 'and they are the page'"'"'s' cmp "$tmp/rows" "$tmp/page"
finish
