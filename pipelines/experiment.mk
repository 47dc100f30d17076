# SPDX-License-Identifier: MIT
# One experiment from problems to table: make experiment NAME=tiny, or make -f
# pipelines/experiment.mk NAME=tiny from the repository's top with bin/ on PATH.
# experiments/NAME.mk is its configuration:
#
#   TRAIN, TEST      commands that print problem records
#   PROMPTS          the jq program from a record to the next user message
#   INIT             configuration of a small random model (score-weights init), pre-trained on
#   DOCUMENTS            a command that prints documents (sft.sh), for
#   PRETRAIN             STEPS BATCH options-of-score-update; or
#   MODEL_FILE       a GGUF file or a Hugging Face directory to import
#   FROM             another experiment whose problems and base model are used: then none of
#                    the above, but PROMPTS if they are others
#   STAGE1 ... UPDATE2   settings of score.sh; VERIFIER, VERIFY and SAMPLE serve evaluation, too
#   EVAL_SAMPLE      options of score-sample for evaluation, beside SAMPLE; EVAL, of score-eval
#   TRAINER          what learns, in place of score.sh; SFT, of imitate.sh
#   EVAL_FILTER      a filter before score-eval
#   KL_CURVES        what is drawn of KL, in jq
#   LIMITS           options of warnings.jq
#
#   METHODS, SEEDS   what results.sh runs and compares; TASK, MODEL_NAME: what it calls them;
#                    PLUS: problems with stricter tests
#
# METHOD=name SEED=n trains the experiment's base model by pipelines/methods/name.mk, which changes
# some of these, under run/NAME/name-n/ (score-methods(7)); BASE_SEED is the SEED of the base.
#
# Everything is under run/NAME/ and is made once: a second run goes on where the first was cut off,
# and one beside it waits. More steps in the configuration go on from the last. Whatever else in it
# decides the result is in run/NAME/settings.json, with the hashes of the files: when one of these
# has changed that is said, in place of the old table. Targets: all (default), base (stops at the
# model before reinforcement learning), outcomes (of the evaluation), results (results.sh), watch
# (watch.sh, beside a run that is at work).
SHELL = bash
.SHELLFLAGS = -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL = all
MAKEFLAGS += --no-builtin-rules

ifndef NAME
$(error NAME= is missing: one of $(basename $(notdir $(wildcard pipelines/experiments/*.mk))))
endif
THIS := $(lastword $(MAKEFILE_LIST))
CONFIG = pipelines/experiments/$(NAME).mk
R = run/$(NAME)
include $(CONFIG)
ifneq ($(METHOD),)
include pipelines/methods/$(METHOD).mk
override FROM := $(NAME)
R = run/$(NAME)/$(METHOD)-$(or $(SEED),0)
endif

export PATH := $(CURDIR)/bin:$(CURDIR)/sandbox:$(PATH)
say = echo "$(NAME): $(1)" >&2
, := ,

ifneq ($(filter watch,$(MAKECMDGOALS)),)
watch:
	@pipelines/watch.sh $(R)
else ifeq ($(LOCKED)$(findstring n,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),)
# ---- one at a time: a make under a lock makes the goals, after a look at the settings ----

GOALS = $(or $(MAKECMDGOALS),all)
$(sort $(GOALS)): locked ;
locked: FORCE
	@mkdir -p $(R)
	@. pipelines/common.sh; BASH_ARGV0=$(NAME); lock $(R); \
	$(MAKE) --no-print-directory -f $(THIS) LOCKED=1 settings; \
	$(MAKE) --no-print-directory -f $(THIS) LOCKED=1 $(GOALS)
else

SAMPLE += --prompts $(R)/prompts.jq
export SAMPLE
export STAGE1 STAGE2 ROUNDS PROBLEMS SAMPLES SEED VERIFIER VERIFY ROLLOUT EVAL EVAL_FILTER
export BONUS1 BONUS2 UPDATE1 UPDATE2 BEST EVALUATE VALID EVAL_SAMPLE SFT LIMITS
export METHODS SEEDS TASK MODEL_NAME PLUS
# A variable as one argument of a shell command.
quoted = '$(1)=$(subst ','\'',$(strip $($(1))))'

all: $(R)/summary.json $(if $(TRAINER),,$(R)/curves.svg)
	@jq -rn -f pipelines/table.jq $(EVALS)
base: $(R)/base.lmdb $(R)/train.jsonl $(R)/test.jsonl $(R)/prompts.jq

MADE = $(wildcard $(addprefix $(R)/,train.jsonl test.jsonl prompts.jq documents.jsonl base.lmdb*))
RECORD_BASE = pipelines/settings.sh $(R) base $(if $(MADE),same,new) \
	'delete $(R) to make all of it anew'
ifdef FROM
# ---- problems and base model of another experiment ----

F = run/$(FROM)
F_MAKE = $(MAKE) --no-print-directory -f $(THIS) NAME=$(FROM) R=$(F) LOCKED= METHOD= \
	SEED=$(BASE_SEED) CONFIG=$(if $(METHOD),$(CONFIG),pipelines/experiments/$(FROM).mk)
settings: FORCE
	@$(F_MAKE) settings
	@$(RECORD_BASE) from=$(FROM) base="$$(jq -cS .base $(F)/settings.json)"
COPIES = train.jsonl test.jsonl base.lmdb $(if $(PROMPTS),,prompts.jq)
$(COPIES:%=$(F)/%) &:
	@$(F_MAKE) base
$(COPIES:%=$(R)/%): $(R)/%: | $(F)/% $(R)/eval
	@cp -R --sparse=always $(F)/$* $@.part
	@mv $@.part $@
ifneq ($(PROMPTS),)
$(R)/prompts.jq: | $(PROMPTS) $(R)/eval
	@cp $(PROMPTS) $@
endif
else
# ---- problems ----

settings: FORCE | $(MODEL_FILE)
	@$(RECORD_BASE) \
		$(foreach v,TRAIN TEST PROMPTS,$(call quoted,$v)) \
		$(if $(INIT),$(foreach v,INIT DOCUMENTS PRETRAIN SEED,$(call quoted,$v))) \
		$(if $(INIT),,model='$(MODEL_FILE) $(wildcard $(MODEL_FILE)/*)')
$(R)/train.jsonl $(R)/test.jsonl: | $(R)/eval
	@$(if $(filter %/train.jsonl,$@),$(TRAIN),$(TEST)) >$@.part
	@mv $@.part $@
$(R)/prompts.jq: | $(PROMPTS) $(R)/eval
	@cp $(PROMPTS) $@

# ---- the model to begin with: base.lmdb is there once it is whole ----

ifdef INIT
$(R)/documents.jsonl: | $(R)/eval
	@$(call say,documents for pre-training)
	@$(DOCUMENTS) >$@.part
	@mv $@.part $@
$(R)/base.lmdb: | $(R)/documents.jsonl
	@$(call say,pre-training: $(word 1,$(PRETRAIN)) steps of $(word 2,$(PRETRAIN)) documents)
	@test -d $@.part || { rm -rf $@.new && \
		score-weights init -w $@.new --seed $(or $(SEED),0) $(INIT) >/dev/null && \
		mv $@.new $@.part; }
	@pipelines/sft.sh $@.part $(R)/documents.jsonl $(PRETRAIN) 2> >(exec cat >&2) | \
		jq -nj --unbuffered --argjson total $(word 1,$(PRETRAIN)) \
			--arg line "$$(test ! -t 2 || echo 1)" -f pipelines/pretrain.jq >&2
	@score-weights tag -w $@.part base >/dev/null
	@mv $@.part $@
else
$(R)/base.lmdb: | $(MODEL_FILE) $(R)/eval
	@$(call say,importing $(MODEL_FILE))
	@rm -rf $@.part
	@score-weights import -w $@.part $(MODEL_FILE) >/dev/null
	@mv $@.part $@
endif

endif

$(R)/eval:
	@mkdir -p $@

# ---- reinforcement learning, in a copy ----

$(R)/weights.lmdb: | $(R)/base.lmdb
	@rm -rf $@.part $(R)/batches $(R)/trained
	@cp -R --sparse=always $(R)/base.lmdb $@.part
	@mv $@.part $@
# It names the last step, and is younger than what was evaluated only when there was a new one.
$(R)/trained: FORCE | $(R)/weights.lmdb $(R)/train.jsonl $(R)/prompts.jq
	@$(or $(TRAINER),pipelines/score.sh) $(R)
	@step=$$(score-weights show -w $(R)/weights.lmdb | jq .step); \
	cmp -s - $@ <<<$$step || echo $$step >$@

# ---- evaluation of base, stage1, stage2 ----

EVALS = $(foreach s,$(SNAPSHOTS),$(R)/eval/$s.json)
SNAPSHOTS ?= base stage1 stage2
$(EVALS): $(R)/eval/%.json: | $(R)/evaluation
	@$(call say,evaluation of $*)
	@pipelines/eval.sh $(R)/weights.lmdb $* $(R)/test.jsonl $(R)/eval/$* $(EVAL_SAMPLE) >/dev/null
.PHONY: $(R)/evaluation
$(R)/evaluation: | $(R)/test.jsonl $(R)/prompts.jq
	@pipelines/settings.sh $(R) evaluation $(if $(wildcard $(EVALS)),same,new) \
		'delete $(R)/eval to evaluate anew' \
		$(foreach v,SAMPLE EVAL_SAMPLE VERIFIER VERIFY EVAL,$(call quoted,$v)) test=$(R)/test.jsonl
GREEDY = $(EVALS:.json=-greedy.json)
$(GREEDY): $(R)/eval/%-greedy.json: $(R)/eval/%.json
	@pipelines/eval.sh $(R)/weights.lmdb $* $(R)/test.jsonl $(R)/eval/$*-greedy $(EVAL_SAMPLE) \
		--greedy -n 1 >/dev/null
# What came out at last, or of FINAL=base, for results.sh.
FINAL = $(lastword $(SNAPSHOTS))
outcomes: $(R)/eval/$(FINAL).json $(R)/eval/$(FINAL)-greedy.json
	@for file in $(^:.json=.jsonl); do \
		$(or $(EVAL_FILTER),cat) <$$file | jq -c --arg file $$file -f pipelines/outcome.jq; \
	done
results: FORCE
	@pipelines/results.sh $(NAME)

$(R)/eval/base.json: | $(R)/weights.lmdb
$(filter-out %/base.json,$(EVALS)): $(R)/trained

$(R)/summary.json: $(EVALS) | $(R)/evaluation
	@jq -n '[inputs] | {before: .[0], after: .[-1]}' $(EVALS) >$@
$(R)/curves.svg: $(R)/trained
	@jq -c --arg run '' -f pipelines/curves.jq $(R)/metrics.jsonl | score-plot -o $@ \
		--title 'run/$(NAME)' --smooth 5 -y .curves.reward --y-name 'reward (mean, 0 to 1)' \
		-y '$(or $(KL_CURVES),.curves.kl)' --y-name 'KL to the reference (nats)'

endif

FORCE:
.PHONY: all base settings locked outcomes results FORCE
