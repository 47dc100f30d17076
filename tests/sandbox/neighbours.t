#!/bin/sh
# SPDX-License-Identifier: MIT
# Honest programs beside programs that attack the machine, and on a machine that is busy otherwise:
# neighbours.py.
PATH=$(pwd)/bin:$(pwd)/sandbox:$PATH exec python3 tests/sandbox/neighbours.py
