# SPDX-License-Identifier: MIT
# One experiment from problems to table: make experiment NAME=tiny, or make -f pipelines/experiment.mk NAME=tiny
# from the repository's top with bin/ on PATH. experiments/NAME.mk is its configuration:
#
#   TRAIN, TEST      commands that print problem records
#   PROMPTS          the jq program from a record to the next user message
#   INIT             configuration of a small random model (score-weights init), pre-trained on
#   DOCUMENTS            a command that prints documents (sft.sh), for
#   PRETRAIN             STEPS BATCH options-of-score-update; or
#   MODEL_FILE       a GGUF file or a Hugging Face directory to import
#   FROM             another experiment whose problems and base model are used: then none of the above
#   STAGE1 ... UPDATE2   settings of score.sh
#   EVAL_SAMPLE      options of score-sample for evaluation, beside SAMPLE
#
# Everything is under run/NAME/ and is made once: a second run goes on where the first was cut off.
# More steps in the configuration go on from the last; anything else that is to be made again: delete it.
# Targets: all (default), base (stops at the model before reinforcement learning).
SHELL = bash
.SHELLFLAGS = -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL = all
MAKEFLAGS += --no-builtin-rules

ifndef NAME
$(error NAME= is missing: one of $(basename $(notdir $(wildcard pipelines/experiments/*.mk))))
endif
CONFIG = pipelines/experiments/$(NAME).mk
R = run/$(NAME)
include $(CONFIG)

export PATH := $(CURDIR)/bin:$(CURDIR)/sandbox:$(PATH)
SAMPLE += --prompts $(R)/prompts.jq
export SAMPLE
export STAGE1 STAGE2 PROBLEMS SAMPLES SEED VERIFY EVAL BONUS1 BONUS2 UPDATE1 UPDATE2

all: $(R)/summary.json $(R)/curves.svg
	@jq -rn -f pipelines/table.jq $(EVALS)
base: $(R)/base.lmdb $(R)/train.jsonl $(R)/prompts.jq

say = echo "$(NAME): $(1)" >&2
, := ,

ifdef FROM
# ---- problems and base model of another experiment ----

F = run/$(FROM)
$(F)/%:
	@$(MAKE) --no-print-directory -f pipelines/experiment.mk NAME=$(FROM) CONFIG=pipelines/experiments/$(FROM).mk R=$(F) $@
$(R)/train.jsonl $(R)/test.jsonl $(R)/prompts.jq $(R)/base.lmdb: $(R)/%: | $(F)/% $(R)/eval
	@cp -R --sparse=always $(F)/$* $@.part
	@mv $@.part $@
else
# ---- problems ----

$(R)/train.jsonl $(R)/test.jsonl: | $(R)/eval
	@$(if $(filter %/train.jsonl,$@),$(TRAIN),$(TEST)) >$@.part
	@mv $@.part $@
$(R)/prompts.jq: $(PROMPTS) | $(R)/eval
	@cp $< $@

# ---- the model to begin with: base.lmdb is there once it is whole ----

ifdef INIT
$(R)/documents.jsonl: | $(R)/eval
	@$(call say,documents for pre-training)
	@$(DOCUMENTS) >$@.part
	@mv $@.part $@
$(R)/base.lmdb: | $(R)/documents.jsonl
	@$(call say,pre-training: $(word 1,$(PRETRAIN)) steps of $(word 2,$(PRETRAIN)) documents)
	@test -d $@.part || { rm -rf $@.new && score-weights init -w $@.new --seed $(or $(SEED),0) $(INIT) >/dev/null && mv $@.new $@.part; }
	@pipelines/sft.sh $@.part $(R)/documents.jsonl $(PRETRAIN) | jq -r 'select(.step % 50 == 0) | "step \(.step): loss \(.loss)"' >&2
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
	@rm -rf $@.part $(R)/batches
	@cp -R --sparse=always $(R)/base.lmdb $@.part
	@mv $@.part $@
$(R)/trained: $(CONFIG) | $(R)/weights.lmdb $(R)/train.jsonl $(R)/prompts.jq
	@$(call say,Stage I: $(STAGE1) steps$(,) Stage II: $(STAGE2) steps of $(PROBLEMS) problems x $(SAMPLES) samples)
	@pipelines/score.sh $(R)
	@touch $@

# ---- evaluation of base, stage1, stage2 ----

EVALS = $(foreach s,$(SNAPSHOTS),$(R)/eval/$s.json)
SNAPSHOTS ?= base stage1 stage2
$(EVALS): $(R)/eval/%.json: | $(R)/test.jsonl $(R)/prompts.jq
	@$(call say,evaluation of $*)
	@pipelines/eval.sh $(R)/weights.lmdb $* $(R)/test.jsonl $(R)/eval/$* $(EVAL_SAMPLE) >/dev/null
$(R)/eval/base.json: | $(R)/weights.lmdb
$(filter-out %/base.json,$(EVALS)): $(R)/trained

$(R)/summary.json: $(EVALS)
	@jq -n '[inputs] | {before: .[0], after: .[-1]}' $(EVALS) >$@
$(R)/curves.svg: $(R)/trained
	@score-plot -o $@ --title 'run/$(NAME)' --smooth 5 -y '{"reward, attempt 1": .reward[0], "reward, attempt 2": .reward[1]}' \
		-y '{"KL, attempt 1": .kl[0], "KL, attempt 2": .kl[1]}' $(R)/metrics.jsonl

.PHONY: all base
