#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/dequant.txt: blocks of every supported ggml type and the float32 values they
stand for.

usage: dequant.py >dequant.txt      (PyPI: gguf numpy)

A line is: type's number, its name, the blocks' bytes in hexadecimal, the values' float32 bits in
hexadecimal (big endian digits), as gguf.quants.dequantize computes them. Bytes are random;
half-precision scales are made finite, with signs, zeros and subnormals among them. Lines with # are
comments.
"""
import numpy as np, gguf
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize

rng = np.random.default_rng(20240917)
# type: bytes a block, places of half-precision scales, blocks
types = {T.F32: (4, [], 16), T.F16: (2, [0], 24), T.BF16: (2, [], 16), T.Q4_0: (18, [0], 5),
         T.Q4_1: (20, [0, 2], 5), T.Q5_0: (22, [0], 5), T.Q5_1: (24, [0, 2], 5),
         T.Q8_0: (34, [0], 5), T.Q4_K: (144, [0, 2], 3), T.Q5_K: (176, [0, 2], 3),
         T.Q6_K: (210, [208], 3)}
# zeros, subnormals, largest, one
special = [0x0000, 0x8000, 0x0001, 0x83ff, 0x7bff, 0xfbff, 0x3c00]


def finite(name, block, places, k):
    if name == "F32":
        block[3] = block[3] & 0x80 | 0x3f
    if name == "BF16":
        block[1] = block[1] & 0x80 | 0x3e
    for i in places:
        h = int(block[i]) | int(block[i + 1]) << 8
        h = special[(k + i) % len(special)] if k % 3 == 1 else h & 0x83ff | (5 + h % 11) << 10
        block[i], block[i + 1] = h & 255, h >> 8


print(f"# versions: gguf {__import__('importlib.metadata').metadata.version('gguf')}, numpy "
      f"{np.__version__}")
for t, (size, places, count) in types.items():
    data = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for k, block in enumerate(data):
        finite(t.name, block, places, k)
    y = dequantize(data.reshape(1, -1), t).astype(np.float32).reshape(-1)
    print(t.value, t.name, data.tobytes().hex(), "".join(f"{b:08x}" for b in y.view(np.uint32)))
