#!/bin/sh
# SPDX-License-Identifier: MIT
# Many verdicts in a row, and nothing grows: soak.py.
PATH=$(pwd)/bin:$(pwd)/sandbox:$PATH exec python3 tests/sandbox/soak.py
