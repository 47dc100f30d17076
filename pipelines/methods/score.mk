# SPDX-License-Identifier: MIT
# SCoRe, as the experiment has it.
