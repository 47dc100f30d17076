#!/bin/sh
# SPDX-License-Identifier: MIT
# The sandbox fails: once more, then an error: retry.py.
PATH=$(pwd)/bin:$(pwd)/sandbox:$PATH exec python3 tests/sandbox/retry.py
