# SPDX-License-Identifier: MIT
# The first half begins anew; the first attempts of the others are given.
if .sample < $n / 2 then .turns = [] else .turns[0].given = true end
