#!/bin/sh
# SPDX-License-Identifier: MIT
# What nvcc makes of the kernels, where it is: within tests/gpu/budget, nothing in local memory, no
# atomics; and that the report sees what it looks for.
# shellcheck source=tests/tap.sh
. tests/tap.sh
nvcc=${CUDA_HOME:-/usr/local/cuda}/bin/nvcc
[ -x "$nvcc" ] || { skip "no $nvcc"; finish; }
run tests/gpu/report "$nvcc"
is 'within the budget' "$status $(cat "$tmp/err")" '0 '
is 'every kernel that is launched' "$(sed 1d "$tmp/out" | wc -l | tr -d ' ')" \
	"$(cat lib/dev/cuda/*.cu | grep -c '^static __global__ void')"

# A top with one kernel that breaks every rule.
mkdir -p "$tmp/top/lib/dev/cuda" "$tmp/top/tests/gpu"
cp tests/gpu/report "$tmp/top/tests/gpu/"
echo 'bad adds 8 0' >"$tmp/top/tests/gpu/budget"
cat >"$tmp/top/lib/dev/cuda/bad.h" <<'END'
#define LAUNCH(kernel, grid, block, ...) kernel<<<grid, block>>>(__VA_ARGS__)
enum { BLOCK = 256 };
END
cat >"$tmp/top/lib/dev/cuda/bad.cu" <<'END'
#include "dev/cuda/bad.h"
static __global__ void adds(float *x, const int *at)
{
	__shared__ float part[BLOCK];
	float few[16];

	for (int i = 0; i < 16; i++)
		few[i] = x[i];
	for (int i = 0; i < 64; i++)
		few[at[i] % 16] += x[i];
	part[threadIdx.x] = few[at[threadIdx.x] % 16];
	__syncthreads();
	atomicAdd(x, part[255 - threadIdx.x]);
}
void all(float *x, const int *at)
{
	LAUNCH(adds, 1, BLOCK, x, at);
}
END
(cd "$tmp/top" && tests/gpu/report "$nvcc") >"$tmp/out" 2>"$tmp/err"
is 'a fault of every kind is seen' "$? $(sed 's/[0-9]* registers.*budget/N; its budget/
	s/: [0-9]* bytes in/: N bytes in/' "$tmp/err" | tr '\n' ';')" \
	"1 bad: adds: N; its budget is 8, 0;bad: adds: N bytes in local memory;$(
	)lib/dev/cuda/bad.cu: an atomic operation;"
finish
