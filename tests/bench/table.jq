# SPDX-License-Identifier: MIT
# A run's figures (schemas/bench.json) as the table of its machine in RESULTS.md, for
# tests/bench/run:
#     jq -nr --arg date DATE -f table.jq FIGURES

def number: if . >= 100 then round elif . >= 10 then (. * 10 | round) / 10
	else (. * 100 | round) / 100 end | tostring;
def range: "\(.median | number) [\(.min | number), \(.max | number)]";
def name: if .figure == "train" then "training \(.batch) x \(.length), loss on \(.heads)"
	elif .figure == "rl" then "RL step, \(.problems) x \(.samples) of \(.new)"
	elif .figure == "verify" or .figure == "math" then .of
	else "\(.figure) \(.batch)" end;
def best: if .fastest then "\(.fastest.ratio | range) of \(.fastest.peer)" else "" end;
def row: "| \(name), \(.unit) | \(range) | \(.peers | map("\(.peer) \(range), \(.mode)")
	| join("; ")) | \(best) |";

[inputs] as $all | ($all[] | select(.figure == "machine")) as $m
| "## \($m.cpu), \($m.isa), \($m.threads) threads, \($date)", "",
"\($m.weights); load at the start \($m.load). Median [least, most] of the rounds.", "",
"| | score | peers | score to the fastest of them |", "|---|---|---|---|",
($all[] | select(.peers) | row),
if any($all[]; .figure == "threads") then "",
	"| an empty section, us | threads | other processes | pause, us | half take less |",
	"|---|---|---|---|---|",
	($all[] | select(.figure == "threads")
		| "| \(.pool): \(range) | \(.threads) | \(.busy) | \(.pause) | \(.p50.median | number) |")
else empty end,
if any($all[]; .figure == "scaling") then "",
	"| threads | of linear speed-up |", "|---|---|",
	($all[] | select(.figure == "scaling") | "| \(.of): \(.threads) | \(range) |")
else empty end,
if any($all[]; .figure == "skip") then "",
	($all[] | select(.figure == "skip") | "- not measured: \(.what): \(.reason)")
else empty end
