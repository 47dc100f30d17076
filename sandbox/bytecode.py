# SPDX-License-Identifier: MIT
# Compiles a program's source on stdin to a .pyc on stdout, valid as long as the source is the
# same.
import sys
import _frozen_importlib_external as files
import _imp

source = sys.stdin.buffer.read()
code = compile(source, "<string>", "exec", dont_inherit=True)
sys.stdout.buffer.write(
    files._code_to_hash_pyc(code, _imp.source_hash(files._RAW_MAGIC_NUMBER, source)))
