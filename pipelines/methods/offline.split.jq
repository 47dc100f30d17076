# SPDX-License-Identifier: MIT
# A line for each sample; the first half has a turn that stands in.
range($n) as $s | .sample = $s | .group = $n
| if $s < $n / 2 then .turns = [{response: "", given: true}] else . end
