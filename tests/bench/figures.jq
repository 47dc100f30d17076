# SPDX-License-Identifier: MIT
# From rows of measurements to one figure (schemas/bench.json), for tests/bench/run:
#     jq -n -c --argjson what '{"figure": .., ..}' --argjson config CONFIG -f figures.jq ROWS
# A row says who was measured ("score" is us), in which round, and holds e.g. {"decode": {seconds,
# tokens}}.
#
# Operations, counted from the configuration as 2 for each multiply-add: a token costs 2 x the
# weights of the layers' matrices, and in attention 4 x L x H x S for each position it sees (itself
# included); each row of logits costs 2 x D x V. Training is three times a forward (gradients of
# inputs and of weights), nothing that is recomputed counts. An RL step is the sampling, then
# forward and backward of the policy and a forward of the reference, with logits for the responses
# only; a prompt that samples share counts once in each.

def spread: sort | {
	median: (if length % 2 == 1 then .[length / 2 | floor]
		else (.[length / 2 - 1] + .[length / 2]) / 2 end),
	min: .[0], max: .[-1]
};
def digits: if . == null or . == 0 then . else (fabs | log10 | floor) as $e
	| if $e >= 4 then round else (. * pow(10; 4 - $e) | round) / pow(10; 4 - $e) end end;
def tidy: walk(if type == "number" then digits else . end);

def layers: $config
	| 2 * .layers * (.width * .head_size * (2 * .heads + 2 * .kv_heads) + 3 * .width * .ffn);
def head: $config | 2 * .width * .vocab;
# n positions from `from` on
def seen(from; n): ($config | 4 * .layers * .heads * .head_size) * (n * from + n * (n + 1) / 2);
def prefill(b; prompt): b * (prompt * layers + seen(0; prompt) + head);
def decode(b; prompt; new): b * (new * (layers + head) + seen(prompt; new));
def train(b; length; heads): 3 * b * (length * layers + seen(0; length) + heads * head);
def rl(problems; samples; prompt; new):
	(problems * (prompt * layers + seen(0; prompt)) + decode(problems * samples; prompt; new))
	* (1 + 3 + 1);

def flop: $what
	| if .figure == "prefill" then prefill(.batch; .prompt)
	elif .figure == "decode" then decode(.batch; .prompt; .new)
	elif .figure == "train" then train(.batch; .length; .heads)
	else rl(.problems; .samples; .prompt; .new) end;

def rate($key): .[$key].tokens / .[$key].seconds;
def fractions(f): map(select((.peak // 0) > 0) | f / .peak)
	| if length > 0 then spread else null end;

# Of the peers, the one that did most, and how many times that we did.
def fastest: if .peers == [] then . else .fastest = (.peers | max_by(.median)
	| {peer, mode, ratio}) end;

# A figure in tokens a second, beside what others reached in the same rounds.
def throughput($rows; $key):
	($rows | map(select(.who == "score"))) as $ours
	| $what + {unit: "tok/s"} + ($ours | map(rate($key)) | spread) + {
		rounds: ($ours | length),
		fraction: ($ours | fractions(flop / .[$key].seconds)),
		peers: [$rows | map(select(.who != "score" and .[$key])) | group_by(.peer)[] | . as $theirs
			| .[0] | {peer, version, mode} + ($theirs | map(rate($key)) | spread) + {
				rounds: ($theirs | length),
				ratio: ([$theirs[] as $t | $ours[] | select(.round == $t.round)
					| rate($key) / ($t | rate($key))] | spread)
			} + if .rss_anon then {
				rss_anon: ($theirs | map(.rss_anon) | max),
				high_water: ($theirs | map(.high_water) | max),
				memory_share: (($ours | map(.rss_anon) | max) / ($theirs | map(.rss_anon) | max))
			} else {} end]
	} | fastest;

def timed($rows; f; unit):
	$what + {unit: unit} + ($rows | map(f) | spread) + {rounds: ($rows | length)};

# The increments of the stages' ends sum to the whole.
def split: .stages | [foreach .[] as $s ({last: 0};
	{last: ([.last, $s.end] | max), row: ($s + {seconds: ([$s.end - .last, 0] | max)})}; .row)];

[inputs] as $rows | if $what.figure == "peak" then
	timed($rows; .[$what.key] / 1e9; "GFLOP/s")
elif $what.figure == "memory" then
	timed($rows; .bytes_s / 1e9; "GB/s")
elif $what.figure == "gemm" then
	$rows | map(.peak as $p | .gemm[] + {peak: $p}) | group_by([.name, .rows])[] | .[0] as $g
	| $what + ($g | {name, n, k, rows}) + {unit: "GFLOP/s"} + (map(.flop / .seconds / 1e9) | spread)
	+ {rounds: length, fraction: fractions(.flop / .seconds)}
elif $what.figure == "threads" then
	timed($rows; 1e6 * .mean; "us") + {p50: ($rows | map(1e6 * .p50) | spread),
		cpu: ($rows | map(1e6 * .cpu) | spread)}
elif $what.figure == "scaling" then
	# one thread's time over n times that of n threads, in the same round
	$rows | group_by([.of, .threads])[] | .[0] as $first | select($first.threads > 1)
	| map(. as $n | ($rows[] | select(.of == $n.of and .threads == 1 and .round == $n.round)
		| .seconds) / (.threads * .seconds))
	| $what + {of: $first.of, threads: $first.threads, unit: "of linear"} + spread
	+ {rounds: length}
elif $what.figure == "prefill" or $what.figure == "train" then
	throughput($rows; $what.figure)
	+ if $what.figure == "prefill" then {} else {rss_anon: ($rows | map(.rss_anon // 0) | max)} end
elif $what.figure == "decode" then
	# every step reads the weights once, however many sequences share it
	throughput($rows; "decode") + {memory_fraction: ($rows | map(select(.who == "score" and .memory)
		| $what.new * (layers + head) / .decode.seconds / .memory)
		| if length > 0 then spread else null end)}
elif $what.figure == "rl" then
	($rows | map(select(.who == "score"))) as $ours
	| throughput($rows; "rl") + {
		seconds: ($ours | map(.rl.seconds) | spread),
		rss_anon: ($ours | map(.rss_anon) | max),
		stages: [$ours | map(split) | transpose[]
			| {name: .[0].name, seconds: (map(.seconds) | spread),
			cpu: (map(.cpu) | spread), rss_anon: (map(.rss_anon) | max)}],
		update: ($ours | map(.update) | . as $all | .[0] as $first
			| [$first | keys_unsorted[] | select(. != "rss_anon" and ($first[.] | type == "number"))
				| . as $name | {key: $name, value: ($all | map(.[$name]) | spread.median)}]
			| from_entries)
	}
elif $what.figure == "verify" then
	throughput($rows; "verify")
	+ {unit: "verdicts/s", latency: {unit: "ms", median: (1000 * $rows[0].latency.seconds)}}
	+ ($rows | map(select(.who == "score"))[0] | {isolation, tier}) | del(.fraction)
elif $what.figure == "math" then
	def ms(f): map(1000 * f) | spread;
	def graded: map(select(.latency)) | {equal: .[0].equal,
		latency: ({unit: "ms"} + (map(.latency) | {p50: ms(.p50), p99: ms(.p99), max: ms(.max)}))};
	throughput($rows; "math") + {unit: "pairs/s", pairs: $rows[0].math.tokens}
	+ ($rows | map(select(.who == "score")) | graded)
	| .peers |= map(. as $p | . + ($rows | map(select(.peer == $p.peer)) | graded)) | del(.fraction)
elif $what.figure == "commit" then
	timed($rows; .seconds; "s") + {bytes: $rows[0].bytes,
		rate: {unit: "MB/s", values: ($rows | map(.bytes / .seconds / 1e6) | spread)},
		optimizer: ($rows | map(.optimizer) | spread)}
else
	timed($rows; 1000 * .seconds; "ms")
end | tidy
