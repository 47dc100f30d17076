#!/bin/sh
# SPDX-License-Identifier: MIT
# pipelines/watch.sh: what a frame shows, of runs in any state, and that nothing is touched.
. tests/tap.sh
. tests/pipeline/small.sh

start && learn && new run
watch() { run pipelines/watch.sh "$@"; }
watch "$tmp/run"
is 'before the first step' "$status $(cat "$tmp/out" "$tmp/err")" \
	"0 $tmp/run: no step of reinforcement learning yet"
watch "$tmp/none"
is 'no such run' "$status $(cat "$tmp/err")" "1 watch.sh: $tmp/none: no such run"
LIMITS='--argjson changed 1.1 --argjson over 3' pipelines/score.sh "$tmp/run" 2>/dev/null
watch "$tmp/run"
cp "$tmp/out" "$tmp/frame"
is 'a run that is done' "$status$(cat "$tmp/err") $(head -n 1 "$tmp/frame" |
	sed 's/[0-9.]* s a step/TIME/')" "0 $tmp/run: step 45, 5 of 5, Stage II, TIME, done"
row() { grep "^  $1 " "$tmp/frame" | tr -s ' '; }
is 'rewards: of the last step, and the mean' "$(row reward)" "$(jq -rs '
	def rounded: . * 1000 | round / 1000;
	map(select(.objective == "pg").reward) | " reward \(.[-1] | map(rounded) | join(" ")) \(
		transpose | map(add / length | rounded) | join(" "))"' "$tmp/run/metrics.jsonl")"
is 'delta' "$(row delta | cut -d ' ' -f 3)" \
	"$(jq -s '.[-1].reward | (.[1] - .[0]) * 1000 | round / 1000' "$tmp/run/metrics.jsonl")"
for what in KL length 'cut off' 'groups all alike' changed; do
	ok "$what" grep -q "^  $what.*[0-9]" "$tmp/frame"
done
is 'warnings' "$(grep -c '^  warning: step 45: answers changed' "$tmp/frame")" 1
is 'a curve, with its stages' "$(grep -c 'Stage I .*Stage II' "$tmp/frame")" 2
is 'trajectories of the last batch' "$(grep -c '^[^ ].*  step 44  sample 0' "$tmp/frame")" 3

# a run that is being written: a row in the middle, a batch in the middle, both locked
everything() {
	find "$tmp/run" -type f -printf '%P %s %T@\n' | sort
}
printf '%.100s' "$(tail -n 1 "$tmp/run/metrics.jsonl")" >"$tmp/half"
cat "$tmp/half" >>"$tmp/run/metrics.jsonl"
head -c 100 "$tmp/run/batches/44.jsonl" >"$tmp/run/batches/45.jsonl.part"
sed -i 's/"steps": "2 3"/"steps": "2 9"/' "$tmp/run/settings.json"
everything >"$tmp/before"
flock "$tmp/run/batches" env ONCE=1 pipelines/watch.sh "$tmp/run" >"$tmp/frame" 2>"$tmp/err"
is 'a line that is being written is left out' "$(cat "$tmp/err")$(head -n 1 "$tmp/frame" |
	sed 's/, [0-9.]* s a step, [0-9:]* left$/, TIME/')" "$tmp/run: step 45, 5 of 11, Stage II, TIME"
everything | cmp -s - "$tmp/before" && r=yes || r=no
is 'nothing is written' "$r" yes
touch -d '90 minutes ago' "$tmp/run"/batches/*.jsonl
watch "$tmp/run"
is 'a run that stands still' \
	"$(head -n 1 "$tmp/out" | sed 's/[0-9.]* s a step/TIME/; s/:..:..$//')" \
	"$tmp/run: step 45, 5 of 11, Stage II, TIME, nothing new for 1"
printf '%s\n' '{"steps' >"$tmp/run/settings.json"
watch "$tmp/run"
is 'settings that cannot be read' "$status $(grep -c '5 of 5' "$tmp/out")" '0 1'

# on a terminal it draws again until it is ended; on one that is dumb, once
script -qefc "sh -c 'echo \$\$ >$tmp/pid; TERM=xterm EVERY=0.1 exec pipelines/watch.sh $tmp/run'" \
	/dev/null >"$tmp/out" &
frames() { grep -c "$(printf '\033')\[H" "$tmp/out"; }
for _ in $(seq 600); do [ "$(frames)" -lt 2 ] || break; sleep 0.1; done
kill "$(cat "$tmp/pid")"
wait $!
is 'redrawn, the cursor hidden and shown again' \
	"$(test "$(frames)" -gt 1 && echo again) $(tail -c 20 "$tmp/out" | grep -c '?25h')" 'again 1'
run script -qec "TERM=dumb timeout 60 pipelines/watch.sh $tmp/run" /dev/null
is 'a terminal that cannot: one frame, no escapes' \
	"$(grep -c 'Stage II, ' "$tmp/out") $(grep -c "$(printf '\033')" "$tmp/out")" '1 0'
jq -c '.turns[1].response = "\u001b[2Jgone"' "$tmp/run/batches/44.jsonl" >"$tmp/hostile"
mv "$tmp/hostile" "$tmp/run/batches/44.jsonl"
watch "$tmp/run"
is "a model's escapes are text" "$(grep -c '\\x1b\[2Jgone' "$tmp/out") $(
	grep -c "$(printf '\033')" "$tmp/out")" '3 0'
finish
