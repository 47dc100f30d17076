#!/bin/sh
# SPDX-License-Identifier: MIT
# Verdicts, attacks on resources, failures and endings in every tier: hold.py.
PATH=$(pwd)/bin:$(pwd)/sandbox:$PATH exec python3 tests/sandbox/hold.py
