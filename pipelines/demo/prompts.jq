# SPDX-License-Identifier: MIT
# The sum, then a question mark: there may be an error, try again.
if (.turns | length) == 0 then .prompt else "?" end
