#!/bin/sh
# SPDX-License-Identifier: MIT
# Every system call from inside the jail, in every tier: kernel.py.
PATH=$(pwd)/bin:$(pwd)/sandbox:$PATH exec python3 tests/sandbox/kernel.py
