#!/bin/sh
# SPDX-License-Identifier: MIT
# score.sh where things go wrong: its shell is killed, the disk is full, two of it run, the store
# is not where it should be, the settings are not those of the run. And its settings: any verifier,
# arguments with spaces; what it says and writes on the way.
. tests/tap.sh
. tests/pipeline/small.sh

start
learn
new whole
ok 'a run' pipelines/score.sh "$tmp/whole"
# shellcheck disable=SC2317
same() { # NAME: the run ended as the one that nothing happened to
	rows whole >"$tmp/want" && rows "$1" | cmp - "$tmp/want" &&
		diff -rq "$tmp/whole/batches" "$tmp/$1/batches" &&
		[ "$(changed whole "$1")" = 0 ]
}
replay() { # NAME: the saved batches, learned from again, beginning with the base
	cp -R "$tmp/base.lmdb" "$tmp/replayed"
	for i in 40 41 42 43 44; do
		stage=$((i < 42 ? 1 : 2))
		# shellcheck disable=SC2046,SC2086
		score-bonus --stage $stage $([ $stage = 1 ] || echo "$BONUS2") "$tmp/$1/batches/$i.jsonl" |
			score-update -w "$tmp/replayed" $([ $stage = 1 ] && echo "$UPDATE1" || echo "$UPDATE2")
	done >/dev/null
	score-weights diff "$tmp/replayed" "$tmp/$1/weights.lmdb" | tail -n 1 | jq .changed
}

# The shell alone, at random instants: what it started must not go on, nor write into the next
# one's files.
new shot
x=1
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	x=$(((x * 1103515245 + 12345) & 0x7fffffff))
	pipelines/score.sh "$tmp/shot" 2>>"$tmp/log" &
	sleep "0.$(printf %03d $((100 + x / 65536 % 700)))"
	kill -9 $!
	wait $!
	broken shot
done >"$tmp/broken" 2>"$tmp/err"
is 'shot sixteen times: every batch file was whole, each time' "$(cat "$tmp/broken")" ''
ok 'and on to the end' pipelines/score.sh "$tmp/shot"
ok 'to the same weights, rows and batches' same shot
is 'which a replay of the batches gives, too' "$(replay shot)" 0
new orphan
printf '#!/bin/sh\necho $$ >%s/pid\nexec sleep 1000\n' "$tmp" >"$tmp/slow"
chmod +x "$tmp/slow"
VERIFIER="$tmp/slow" pipelines/score.sh "$tmp/orphan" &
for i in 1 2 3 4 5 6 7 8 9 10; do [ -s "$tmp/pid" ] || sleep 0.3; done
kill -9 $!
wait $! 2>"$tmp/err"
sleep 0.5
is 'no filter outlives the shell' "$(ps -o stat= -p "$(cat "$tmp/pid")" | grep -v '^Z')" ''

# two at once
new two
printf '#!/bin/sh\nsleep 1\nexec score-verify\n' >"$tmp/slow"
STAGE1=1 STAGE2=0 VERIFIER="$tmp/slow" pipelines/score.sh "$tmp/two" 2>"$tmp/log" &
sleep 0.3
run env STAGE1=1 STAGE2=0 VERIFIER="$tmp/slow" pipelines/score.sh "$tmp/two"
wait $!
is 'a second one waits, and says so, and finds nothing left to do' \
	"$status $(cat "$tmp/err") $(at two)" \
	"0 score.sh: another process is at work in $tmp/two/batches: waiting for its end 41"

# training and evaluation, at the same time: neither loses what the other records
mkdir "$tmp/wrap" "$tmp/both"
printf '#!/bin/sh\nsleep 0.5\nexec /bin/mv "$@"\n' >"$tmp/wrap/mv"
chmod +x "$tmp/wrap/mv"
for group in training evaluation; do
	PATH="$tmp/wrap:$PATH" pipelines/settings.sh "$tmp/both" $group new - of=$group || echo $? &
done >"$tmp/out" 2>"$tmp/log"
wait
is 'two record settings of one run' \
	"$(cat "$tmp/out")$(jq -cS 'map_values(.of)' "$tmp/both/settings.json")" \
	'{"evaluation":"evaluation","training":"training"}'

# a disk with room for one batch and a half, then for all
new full
mkdir "$tmp/full/batches"
size=$(($(stat -c %s "$tmp/whole/batches/40.jsonl") * 3 / 2))
cat >"$tmp/full.sh" <<'END'
mount -t tmpfs -o "size=$1" none "$2/batches" || exit 77
pipelines/score.sh "$2" 2>"$2/first"
echo "$?" >"$2/said"
ls "$2/batches" >>"$2/said"
mount -o remount,size=16m "$2/batches" && pipelines/score.sh "$2" 2>"$2/second" &&
	cp "$2"/batches/* "$2/kept"
END
mkdir "$tmp/full/kept"
if [ "$(id -u)" -eq 0 ]; then as=-m; else as=-rm; fi
unshare $as sh "$tmp/full.sh" "$size" "$tmp/full" >"$tmp/log" 2>&1
case $? in
0)
	is 'a full disk: an error that names it, and the step is not taken' \
		"$(grep -c 'No space left' "$tmp/full/first") $(tr '\n' ' ' <"$tmp/full/said")" \
		'1 1 40.jsonl 41.jsonl.part '
	cp "$tmp"/full/kept/* "$tmp/full/batches"
	ok 'with room again it ends as it should' same full
	;;
*)
	why="no small disk: $(cat "$tmp/log")"
	absent 'a full disk'
	;;
esac

# a verifier that loses lines
new thin
VERIFIER="sh -c 'score-verify | sed -n 1,15p'" run pipelines/score.sh "$tmp/thin"
is 'a batch that is not whole gets no name, and no step' \
	"$status $(ls "$tmp/thin/batches") $(at thin)" '1 40.jsonl.part 40'
has 'and it is said why' "$tmp/err" 'cut short'
# where a run is, the store says
new astray
pipelines/sft.sh "$tmp/astray/weights.lmdb" "$tmp/documents" 42 50 --lr 1e-3 >"$tmp/log"
run pipelines/score.sh "$tmp/astray"
is 'supervised steps after base are no Stage I' "$status $(cat "$tmp/err") $(at astray)" \
	"1 score.sh: $tmp/astray/weights.lmdb: step 41 came after base and is of neither stage (nll): \
what Stage I is to begin with wants the tag base (score-weights tag base) 42"
score-weights tag -w "$tmp/astray/weights.lmdb" base >"$tmp/log"
STAGE1=1 run pipelines/score.sh "$tmp/astray"
is 'tagged base they are what it begins with' \
	"$status $(jq -c 'select(.stage) | [.step, .stage]' "$tmp/astray/metrics.jsonl" |
		tr '\n' ' ')" \
	'0 [43,1] [44,2] [45,2] [46,2] '
for wrong in 'STAGE1=2' 'STAGE1=0' 'STAGE1=1 STAGE2=2'; do
	# shellcheck disable=SC2086
	run env $wrong pipelines/score.sh "$tmp/astray"
	is "other stages than there were ($wrong)" \
		"$status $(grep -cE '(turn by|more than) STAGE1' "$tmp/err") $(at astray)" '1 1 46'
done
STAGE1=1 STAGE2=4 run pipelines/score.sh "$tmp/astray"
is 'a longer Stage II goes on' "$status $(at astray)" '0 47'

# what it was made with, it keeps
new kept
cp "$tmp/prompts.jq" "$tmp/the prompts.jq"
cp pipelines/verifiers/word.jq "$tmp/a word.jq"
cat >"$tmp/judge" <<'END'
#!/bin/sh
wc -l <"$tmp/kept/metrics.jsonl" >>"$tmp/grown"
exec jq -c --unbuffered -f "$1"
END
chmod +x "$tmp/judge"
kept() {
	SAMPLE="--max-tokens 1,2 --prompts '$tmp/the prompts.jq'" \
		VERIFIER="'$tmp/judge'" VERIFY="'$tmp/a word.jq'" \
		run env "$@" pipelines/score.sh "$tmp/kept"
}
kept STAGE2=0
is 'any filter verifies, arguments with spaces arrive' \
	"$status $(at kept) $(jq -c '.turns[0].verdict' "$tmp/kept/batches/40.jsonl" | sort -u |
		tr '\n' ' ')" \
	'0 42 {"status":"fail"} {"status":"pass"} '
is 'a line a step, with the time to go' \
	"$(sed '1d; s/reward.*, 0:0/reward, 0:0/; s/0:0[0-9]:[0-9][0-9]/TIME/' "$tmp/err")" \
	'score.sh: step 41 of 42, stage 1: reward, TIME left
score.sh: step 42 of 42, stage 1: reward, TIME left'
is 'metrics.jsonl grows on the way' "$(tr '\n' ' ' <"$tmp/grown")" '40 41 '
is 'settings.json: settings, hashes of the data and of all files in the settings' \
	"$(jq -c '.training | [.steps, .samples, .update1], (.versions | keys),
		(.files | keys | map(split("/") | last) | sort)' "$tmp/kept/settings.json")" \
	'["2 0","4","--lr 1e-2 --beta1 0.01 --beta2 0.1"]
["jq","machine","python","score"]
["a word.jq","judge","the prompts.jq","train.jsonl"]'
is 'the hashes are the files' "$(jq -r '.training.files[]' "$tmp/kept/settings.json" | sort)" \
	"$(sha256sum "$tmp/a word.jq" "$tmp/judge" "$tmp/the prompts.jq" "$tmp/train.jsonl" |
		cut -c 1-64 | sort)"
kept UPDATE1='--lr 1' SAMPLES=5
is 'other settings: what differs, and nothing is done' \
	"$status $(sed "s|$tmp/||g" "$tmp/err") $(at kept)" '1 settings.sh: kept: samples was 4, is 5
settings.sh: kept: update1 was --lr 1e-2 --beta1 0.01 --beta2 0.1, is --lr 1
settings.sh: kept: the settings, or files, are not those it was made with (kept/settings.json); '\
'a fresh copy of the base model in kept/weights.lmdb begins anew 42'
for file in "the prompts.jq" "a word.jq" "kept/train.jsonl"; do
	cp "$tmp/$file" "$tmp/saved"
	echo >>"$tmp/$file"
	kept
	is "another $file" "$status $(grep -c "/$file is not the file it was" "$tmp/err") $(at kept)" \
		'1 1 42'
	cp "$tmp/saved" "$tmp/$file"
done
kept
is 'as it was: it goes on' "$status $(at kept)" '0 45'
new quoted
run env SAMPLE="--prompts 'x" pipelines/score.sh "$tmp/quoted"
is 'a quote without its other one' \
	"$status $(grep -c 'not the words of a command line' "$tmp/err")" '1 1'

# on a terminal
new tty
run script -qec "pipelines/score.sh $tmp/tty" /dev/null
is 'a line for what there is to do, then one that is rewritten, and no other' \
	"$status $(tr -d '\n' <"$tmp/out" | tr '\r' '\n' | grep -c 'step 4[1-5] of 45') $(
		wc -l <"$tmp/out") $(grep -c score- "$tmp/out")" \
	'0 5 2 0'
finish
