# SPDX-License-Identifier: MIT
# A table of score-eval's objects, in percent with 95 % intervals.
# usage: jq -rn -f table.jq base.json stage1.json ...     (rows are named by the files)
# With three attempts or more, delta, i->c and c->i compare the last with the first, and say so.
def pad($n): tostring | . + " " * ([0, $n - length] | max);
def fixed: (. * 1000 | round)
	| (if . < 0 then "-" else "" end) + (fabs | "\(. / 10 | floor).\(. % 10)");
def cell($sign): if . == null or .value == null then "-"
	else (if $sign and .value > 0 then "+" else "" end)
		+ "\(.value | fixed) [\(.lo | fixed), \(.hi | fixed)]" end;
def row: "  " + ([(.[0] | pad(8))] + (.[1:] | map(pad(20))) | join("  ") | sub(" +$"; ""));

[inputs | {name: (input_filename | split("/")[-1] | rtrimstr(".json")), eval: .}]
| (map(.eval.turns) | unique) as [$turns, $other]
| if $other then error("the files have \($turns) and \($other) attempts: no one table") else . end
| (if $turns > 2 then " t1-t\($turns)" else "" end) as $pair
| (["", (range($turns) | "Acc@t\(. + 1)"), ("delta", "i->c", "c->i" | . + $pair)] | row),
  (.[] | .eval as $e | [.name, (range($turns) | $e["acc_t\(. + 1)"] | cell(false)),
	($e.delta | cell(true)), ($e.i_to_c, $e.c_to_i | cell(false))] | row)
