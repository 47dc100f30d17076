# SPDX-License-Identifier: MIT
# The reflection earns what the answer after it is worth; answers are context.
if (.turns | length) == 3 then [null, .turns[2].reward, null] else [null] end
