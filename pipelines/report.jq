# SPDX-License-Identifier: MIT
# The page that report.sh writes. usage: jq -rn --arg title TEXT --slurpfile runs FILE
#     --slurpfile results FILE --rawfile curves SVG --rawfile evals SVG -f report.jq
# runs: {run, settings, evals: [{name, step, eval}], warnings: TEXT, shows: [{what, text}]};
# results: objects of results.sh, or none; pictures, or empty.
#
# Models wrote some of this: every text goes through safe or coloured, which leave no markup and no
# control character; only report.jq's own tags and the pictures, which gnuplot escapes, pass.
def safe: tostring | explode
	| map(if . == 9 or . == 10 or (. >= 32 and . < 127) or . >= 160 then . else 65533 end)
	| implode | @html;
def tag($name): "<\($name)>\(.)</\($name)>";
def cells($name): map(safe | tag($name)) | join("") | tag("tr");
def table($head; $rows): select($rows | length > 0)
	| "<table>\n\($head | cells("th"))\n\($rows | map(cells("td")) | join("\n"))\n</table>";
def fixed: (. * 1000 | round)
	| (if . < 0 then "-" else "" end) + (fabs | "\(. / 10 | floor).\(. % 10)");
def percent: if . == null or .value == null then "-"
	elif .lo == null then .value | fixed
	else "\(.value | fixed)\u00a0[\(.lo | fixed),\u00a0\(.hi | fixed)]" end;

# score-show's colours: it has made a model's own escapes visible, so these are its own.
def coloured:
	{"1": "b", "2": "small", "31": "del", "32": "ins", "33": "mark", "36": "b"} as $tags
	| split("\u001b[") | (.[0] | safe), (.[1:][] | index("m") as $i
		| .[:$i] as $code | .[$i + 1:] as $text | $text | safe
		| if $text == "" or $tags[$code] == null then .
		  elif $text == "right" or $text == "wrong" then tag("strong")
		  else tag($tags[$code]) end);

def accuracies: ["Acc@t1", "Acc@t2", "delta", "i->c", "c->i", "changed"];
def figures: [.acc_t1, .["acc_t\(.turns // 2)"], .delta, .i_to_c, .c_to_i, .changed | percent];
def evaluations: table(["run", "weights", "step"] + accuracies + ["problems", "samples"];
	[$runs[] | .run as $run | .evals[] | [$run, .name, .step // "-"]
		+ (.eval | figures + [.n, .samples])]);
# Of results.sh: [method, its object].
def methods: $results[] | to_entries[] | select(.value | objects | has("acc_t1")) | [.key, .value];
def results: table(["method", "how"] + accuracies + ["problems", "samples"];
	[methods | .[0] as $method | .[1]
		| (["sampled", .], ["greedy", .greedy], ["blind retry", .blind_retry],
			["plus tests", .plus.plus] | select(.[1].acc_t1))
		| [$method, .[0]] + (.[1] | figures + [.n, .samples])]);
def seeds: table(["method", "seed", "Acc@t1", "Acc@t2", "delta", "changed"];
	[methods | .[0] as $method | .[1].by_seed[]?
		| [$method, .seed] + ([.acc_t1, .acc_t2, .delta, .changed] | map(percent))]);
def refuted: table(["method", "attempt", "passes of the base tests", "refuted by the plus tests",
		"share, mean over problems"];
	[methods | .[0] as $method | .[1].plus.refuted // [] | to_entries[]
		| [$method, .key + 1, .value.passes, .value.refuted, (.value.share | percent)]]);
def settings: [$runs[].settings] as $all | table(["setting", $runs[].run];
	[[$all[] | keys_unsorted[]] | unique[] | . as $key
		| [$key] + [$all[][$key] // "-" | if type == "string" then . else tojson end]]);
def picture($svg; $what):
	if $svg == "" then empty else "<figure>\($svg)<figcaption>\($what)</figcaption></figure>" end;
def headed($what; f): [f] | select(length > 0) | "<h2>\($what)</h2>", .[];

"<!DOCTYPE html>",
"<html lang=\"en\"><head><meta charset=\"utf-8\"><title>\($title | safe)</title>",
"<meta http-equiv=\"Content-Security-Policy\"",
" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
"<style>",
"body { font: 15px/1.4 sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em }",
"table { border-collapse: collapse; margin: 1em 0; font-size: 13px }",
"th, td { text-align: left; padding: .2em .8em .2em 0; border-bottom: 1px solid #ddd;",
"	overflow-wrap: anywhere; vertical-align: top }",
"pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6; padding: 1em }",
"figure { margin: 1em 0 } svg { max-width: 100%; height: auto } small { color: #666 }",
"del { background: #fdd } ins { background: #dfd } mark { background: #fe8 }",
"</style></head><body>",
"<h1>\($title | safe)</h1>",
headed("Evaluations, percent with 95 % intervals"; evaluations),
headed("All methods, percent with 95 % intervals"; results, seeds, refuted),
headed("Warnings"; $runs[] | .run as $run | .warnings | split("\n")[] | select(. != "")
	| "<p>\($run | safe): \(safe)</p>"),
headed("Accuracy"; picture($evals; "Accuracies of the snapshots, with 95 % intervals")),
headed("Training"; picture($curves; "Means of the batches of training, smoothed over 5 steps")),
headed("Trajectories"; $runs[] | .run as $run | .shows[] | select(.text != "")
	| "<h3>\($run | safe): \(.what | safe)</h3>", "<pre>\([.text | coloured] | join(""))</pre>"),
headed("Settings"; settings),
"</body></html>"
