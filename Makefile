# SPDX-License-Identifier: MIT
# score: `make help` lists what there is to make.
#
# One non-recursive file. Rooms' sources are found by name: a new lib/ROOM/x.c, bin/score-x.c or
# tests/ROOM/x.c needs no line here. Objects go to build/VARIANT/; the tools are linked beside their
# source in bin/. A change of flags rebuilds what it touches (the stamp below).

PREFIX  = /usr/local
CC      = gcc
OPT     = -O2 -g
WARN    = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wpointer-arith
# CI and SAN builds treat warnings as errors: make WERROR=1
ifdef CI
WERROR  = 1
endif
ifdef WERROR
WARN   += -Werror
endif

VARIANT = release
ifdef SAN
VARIANT = san
OPT     = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
endif
ifdef TSAN
VARIANT = tsan
OPT     = -O1 -g -fsanitize=thread
endif
ifdef CUDA
VARIANT = cuda
endif
B       = build/$(VARIANT)

# CPPFLAGS, CFLAGS and LDFLAGS are the user's, from the command line or the environment; ours stand
# around them. EXACT comes last: results are a contract (score-engine(7)), whatever CFLAGS say.
EXACT   = -fno-fast-math -fno-unsafe-math-optimizations -ffp-contract=off
COMPILE = $(CC) -std=c11 -D_GNU_SOURCE -Ilib -fno-math-errno -pthread -fstack-protector-strong \
          $(OPT) $(WARN) $(CPPFLAGS) $(CFLAGS) $(EXACT)
# Linked with fast-math, a program would flush denormals.
LINK    = $(CC) -Wl,--as-needed -Wl,-z,relro,-z,now -pthread $(OPT) \
          $(filter-out -Ofast -ffast-math -funsafe-math-optimizations,$(CFLAGS) $(LDFLAGS))
# FLINT 3 holds Arb and Calcium; beside FLINT 2.9 they are libraries of their own, as in Debian 12.
# --as-needed: only what grades mathematics links them.
HAS_FLINT3 := $(shell $(CC) -E -include flint/acb.h -x c /dev/null >/dev/null 2>&1 && echo 1)
FLINT   = $(if $(HAS_FLINT3),-lflint,-lcalcium -lflint-arb -lflint)
LIBS    = -ljq -llmdb -lxxhash -lpcre2-8 -lseccomp $(FLINT) -lgmp -lm

ISA_avx2       = -mavx2 -mfma -mf16c
ISA_avx512     = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma
ISA_avx512bf16 = $(ISA_avx512) -mavx512bf16
ISA_amx        = $(ISA_avx512bf16) -mamx-tile -mamx-bf16
# Models of levels, for tests: only these link them.
MODELS         = avx512_model avx512bf16_model amx_model
$(foreach m,$(MODELS),$(eval ISA_$m = $(ISA_avx2)))

# Kernels for the processor that CC makes code for; elsewhere plain C does the work.
X86      := $(filter x86_64%,$(shell $(CC) -dumpmachine))
LIB_SRC   = $(wildcard lib/*/*.c $(if $(X86),lib/kern/x86/*.c))
LIB_OBJ   = $(LIB_SRC:%.c=$(B)/%.o)
# The same arithmetic with fp32 in place of bf16: finite differences need it.
F32_ROOMS = base dev model rl shape comm jsonl traj kern
F32_SRC   = $(wildcard $(F32_ROOMS:%=lib/%/*.c))
F32_OBJ   = $(F32_SRC:%.c=$(B)/f32/%.o)

TOOL_SRC  = $(wildcard bin/score-*.c)
TOOLS     = $(TOOL_SRC:%.c=%)
BOX       = $(patsubst %.c,%,$(wildcard sandbox/score-box.c))
BOX_OBJ   = $(patsubst %.c,$(B)/%.o,$(wildcard sandbox/*.c))

TEST_SRC  = $(wildcard $(patsubst %,tests/%/*.c,unit kern grad fuzz sandbox gpu))
TEST_BIN  = $(TEST_SRC:%.c=$(B)/%.t)
TEST_SH   = $(wildcard tests/*/*.t)
BENCH     = $(patsubst %,$(B)/tests/bench/%.t,kern math measure pipe threads)

# Python's bytecode of its two sides: a third of its start. It checks that it is its own, and reads
# the source if not.
CODE      = sandbox/model.pyc sandbox/tester.pyc

all: $(TOOLS) $(BOX) $(CODE)     ## build every tool (default)

# CUDA's kernels on the CPU, for tests (lib/dev/cuda/shim): a C++ compiler reads them.
CU        = $(wildcard lib/dev/cuda/*.cu)
KERNELS   = $(filter-out %/runtime.cu,$(CU))
SHIM_OBJ  = $(KERNELS:%.cu=$(B)/shim/%.o) $(B)/shim/lib/dev/cuda/shim/shim.o \
	$(B)/shim/lib/dev/cuda/shim/runtime.o $(B)/lib/dev/cuda/table.o

# With CUDA=1 the tools can compute on a GPU; without a driver they run all the same.
CUDA_HOME = /usr/local/cuda
NVCC      = $(CUDA_HOME)/bin/nvcc
CUDA_ARCH = 80 90 100
NEWEST    = $(lastword $(CUDA_ARCH))
COMPILE_CU = $(NVCC) -std=c++17 -O2 -lineinfo -fmad=false -Ilib -Xcompiler -Wall,-Wextra \
	$(foreach a,$(CUDA_ARCH),-gencode arch=compute_$a,code=sm_$a) \
	-gencode arch=compute_$(NEWEST),code=compute_$(NEWEST)
ifdef CUDA
GPU_OBJ   = $(CU:%.cu=$(B)/%.o) $(B)/lib/dev/cuda/table.o
GPU_LIBS  = -L$(CUDA_HOME)/lib64 -Wl,-rpath,$(CUDA_HOME)/lib64 -lcublasLt -lcudart -lstdc++
endif
SHIM_TOOLS = $(patsubst %,$(B)/shim/score-%,sample logprob update)

# ---- stamps: what the objects and the tools beside their sources were built with ----

$(B)/flags: FORCE
	@mkdir -p $(B)
	@echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' >$@
build/variant: FORCE
	@mkdir -p build
	@echo '$(VARIANT)' | cmp -s - $@ || echo '$(VARIANT)' >$@
FORCE:

# ---- rules ----

$(B)/lib/kern/x86/%.o: lib/kern/x86/%.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) $(ISA_$*) -MMD -MP -c -o $@ $<
$(B)/f32/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -DSCORE_F32 -MMD -MP -c -o $@ $<
$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<
$(B)/%.o: %.cu $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE_CU) -MMD -MP -c -o $@ $<
CXX       = g++
COMPILE_SHIM = $(CXX) -std=c++17 -D_GNU_SOURCE -Ilib -pthread $(OPT) -Wall -Wextra \
	$(filter -Werror,$(WARN)) $(EXACT) -MMD -MP -c
$(B)/shim/%.o: %.cu $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE_SHIM) -o $@ -x c++ $<
$(B)/shim/%.o: %.cc $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE_SHIM) -o $@ $<

$(B)/libscore.a: $(LIB_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^
$(B)/libscore-f32.a: $(F32_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^

bin/score-%: $(B)/bin/score-%.o $(GPU_OBJ) $(B)/libscore.a build/variant
	$(LINK) -o $@ $(filter %.o %.a,$^) $(LIBS) $(GPU_LIBS)
# The sandbox links nothing of the house but base: a small thing to trust.
sandbox/score-box: $(BOX_OBJ) $(patsubst %.c,$(B)/%.o,$(wildcard lib/base/*.c)) build/variant
	$(LINK) -o $@ $(filter %.o,$^) -lseccomp -lm

BOTH_PY   = $(addprefix sandbox/,wire.py values.py calls.py zygote.py)
sandbox/model.pyc: $(BOTH_PY) sandbox/model.py
sandbox/tester.pyc: $(BOTH_PY) $(addprefix sandbox/,program.py plan.py tester.py)
$(CODE):
	-@cat $^ | /usr/bin/python3 -S -s sandbox/bytecode.py >$@

# tests/*/x_f32.c is linked with the fp32 build of the library
$(B)/tests/%_f32.o: tests/%_f32.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -DSCORE_F32 -Itests -MMD -MP -c -o $@ $<
$(B)/tests/%.o: tests/%.c $(B)/flags
	@mkdir -p $(@D)
	$(COMPILE) -Itests -MMD -MP -c -o $@ $<
$(B)/tests/%_f32.t: $(B)/tests/%_f32.o $(B)/libscore-f32.a
	@$(LINK) -o $@ $^ $(LIBS)
$(B)/tests/%.t: $(B)/tests/%.o $(B)/libscore.a
	@$(LINK) $(if $(X86),$(MODELS:%=-Wl,-u,kern_%)) -o $@ $^ $(LIBS)

# OpenMP: one of the pools that ours is measured beside, and what measures the peak
$(B)/tests/bench/%: private OPT += -fopenmp

# as tools are: $(B)/shim/score-sample
$(B)/tests/gpu/%.t: $(B)/tests/gpu/%.o $(SHIM_OBJ) $(B)/libscore.a
	@$(LINK) -o $@ $^ $(LIBS) -lstdc++
$(B)/shim/score-%: $(B)/bin/score-%.o $(SHIM_OBJ) $(B)/libscore.a
	@$(LINK) -o $@ $^ $(LIBS) -lstdc++

# the sandbox's own are linked with it instead
$(B)/tests/sandbox/%.t: $(B)/tests/sandbox/%.o $(filter-out %/score-box.o,$(BOX_OBJ)) \
		$(B)/libscore.a
	@$(LINK) -o $@ $^ -lseccomp $(LIBS)

# ---- checks ----

# T=: only these, e.g. make check T=tests/cli/draw.t  or  T=$(B)/tests/unit/tok.t
T = $(TEST_BIN) $(TEST_SH)
check:                   ## every test (TAP through prove); T=FILE for one
	@sh .ci/deps
	+@$(MAKE) --no-print-directory $(JOBS) checked
checked: all $(filter $(B)/%,$(T)) $(BENCH) $(SHIM_TOOLS)
	LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0 \
		SCORE_WAIT=passive B=$(B) PATH="$(CURDIR)/bin:$(CURDIR)/sandbox:$$PATH" \
		prove -j $(shell nproc) -e '' $(T)

bench:                   ## speed as JSON lines; PEERS=DIR: beside others; tests/bench/run has more
	@sh .ci/deps >&2
	+@$(MAKE) --no-print-directory $(JOBS) all $(BENCH) >&2
	@B=$(B) tests/bench/run

# libFuzzer on one of tests/fuzz; its corpus and what it finds (crash-*, timeout-*) go to run/fuzz/
SECONDS   = 60
FUZZ      = $(if $(filter command,$(firstword $(origin T))),$(T),math_equal)
FUZZ_ROOM = lib/jsonl/*.c lib/tok/*.c lib/store/*.c lib/import/*.c
MATH_ROOMS = latex formula equal answer
FUZZ_ROOM_program = lib/answer/think.c \
            $(addprefix lib/verify/,python.c defines.c program.c choose.c compose.c)
FUZZ_SRC  = $(wildcard lib/base/*.c $(if $(filter math%,$(FUZZ)),$(MATH_ROOMS:%=lib/%/*.c), \
            $(or $(FUZZ_ROOM_$(FUZZ)),$(FUZZ_ROOM)))) \
            $(if $(filter math% jsonl program,$(FUZZ)),,lib/model/arch.c lib/model/config.c)
fuzz:                    ## T=math_equal SECONDS=60: hostile input, under libFuzzer (clang)
	@mkdir -p build/fuzz run/fuzz/$(FUZZ)
	clang -std=c11 -D_GNU_SOURCE -Ilib -Itests -DLIBFUZZER -O1 -g \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-Wl,--as-needed -o build/fuzz/$(FUZZ) tests/fuzz/$(FUZZ).c $(FUZZ_SRC) $(LIBS)
	build/fuzz/$(FUZZ) -max_total_time=$(SECONDS) -timeout=5 -rss_limit_mb=1024 -max_len=1024 \
		-print_final_stats=1 -artifact_prefix=run/fuzz/$(FUZZ)- $(FUZZFLAGS) \
		run/fuzz/$(FUZZ) $(wildcard tests/fuzz/corpus/$(FUZZ)*)

cuda-report:             ## what nvcc makes of the CUDA kernels: registers, occupancy
	@tests/gpu/report $(NVCC)
mutants: all             ## faults planted in the CUDA kernels that tests should see; N=: so many
	tests/gpu/mutants $(N)
emulate:                 ## tests at levels that this machine lacks, in Bochs: LEVELS=avx512 T=FILE
	@tests/emulate/run $(LEVELS) $(if $(filter command,$(firstword $(origin T))),$(T))

N = 100000
soak:                    ## N=100000 verdicts in a row, each tenth measured: nothing may grow
	+@$(MAKE) --no-print-directory $(JOBS) $(BOX)
	@PATH="$(CURDIR)/sandbox:$$PATH" python3 tests/sandbox/soak.py $(N) $(BOXFLAGS)

# ---- experiments: pipelines/experiment.mk ----

# MODEL=smollm2, MODEL=/path/to.gguf or a Hugging Face directory: the real case, else the tiny one
DEMO = $(if $(MODEL),real,demo)
demo:                    ## SCoRe from nothing to a table; MODEL=smollm2 or /path.gguf: a real model
	@sh .ci/deps
	+@$(MAKE) --no-print-directory $(JOBS) all
	+@$(MAKE) --no-print-directory -f pipelines/experiment.mk NAME=$(DEMO)
demo-model:              ## the demo's base model only: run/demo/base.lmdb
	@sh .ci/deps
	+@$(MAKE) --no-print-directory $(JOBS) all
	+@$(MAKE) --no-print-directory -f pipelines/experiment.mk NAME=$(DEMO) base
experiment: all          ## NAME=one of pipelines/experiments/*.mk, results under run/NAME/
	+@$(MAKE) --no-print-directory -f pipelines/experiment.mk $(if $(NAME),NAME=$(NAME))
results: all             ## NAME=...: all its methods and seeds, figures to pipelines/results/
	+@$(MAKE) --no-print-directory -f pipelines/experiment.mk LOCKED=1 $(if $(NAME),NAME=$(NAME)) \
		results
# beside a run: builds nothing
watch:                   ## NAME=..., METHOD= SEED=: an experiment at work, on the terminal
	@$(MAKE) --no-print-directory -f pipelines/experiment.mk $(if $(NAME),NAME=$(NAME)) watch
report:                  ## NAMES="a b": tables, pictures, trajectories of run/a and run/b as a page
	@$(if $(NAMES)$(NAME),,$(error NAMES= is missing: folders of run/))
	@PATH="$(CURDIR)/bin:$$PATH"; set -- $(or $(NAMES),$(NAME)); \
	pipelines/report.sh "run/$$1/report.html" $$(printf 'run/%s ' "$$@") && \
	echo "run/$$1/report.html"
# one job per core, unless -j was given
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

deps:                    ## install Debian packages (root or sudo)
	sh .ci/deps

install: all             ## PREFIX=/usr/local, DESTDIR=
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin libexec/score share/score)
	install -m 755 $(TOOLS) $(DESTDIR)$(PREFIX)/bin
	test -z "$(BOX)" || install -m 755 $(BOX) $(filter-out %/bytecode.py,$(wildcard sandbox/*.py)) \
		$(CODE) $(DESTDIR)$(PREFIX)/libexec/score
	test -z "$(BOX)" || ln -sf ../libexec/score/score-box $(DESTDIR)$(PREFIX)/bin/score-box
	cp -R pipelines schemas $(DESTDIR)$(PREFIX)/share/score
	for p in man/*.[1-9]; do \
		d=$(DESTDIR)$(PREFIX)/share/man/man$${p##*.}; \
		install -d $$d && install -m 644 $$p $$d; \
	done

clean:                   ## remove what was built (not run/)
	rm -rf build $(TOOLS) $(BOX) $(CODE)

help:                    ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

.PHONY: all check checked bench fuzz emulate cuda-report mutants soak deps demo demo-model \
	experiment results \
	watch report install clean help FORCE
.SECONDARY:
-include $(SHIM_OBJ:.o=.d)
-include $(LIB_OBJ:.o=.d) $(F32_OBJ:.o=.d) $(TOOL_SRC:%.c=$(B)/%.d) $(TEST_SRC:%.c=$(B)/%.d) \
	$(BENCH:.t=.d) $(BOX_OBJ:.o=.d)
