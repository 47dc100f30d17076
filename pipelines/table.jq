# SPDX-License-Identifier: MIT
# A table of score-eval's objects, in percent with 95 % intervals.
# usage: jq -rn -f table.jq base.json stage1.json ...     (rows are named by the files)
def pad($n): tostring | . + " " * ([0, $n - length] | max);
def fixed: (. * 1000 | round)
	| (if . < 0 then "-" else "" end) + (fabs | "\(. / 10 | floor).\(. % 10)");
def cell($sign): if . == null or .value == null then "-"
	else (if $sign and .value > 0 then "+" else "" end)
		+ "\(.value | fixed) [\(.lo | fixed), \(.hi | fixed)]" end;
def row: "  " + ([(.[0] | pad(8))] + (.[1:] | map(pad(20))) | join("  ") | sub(" +$"; ""));

(["", "Acc@t1", "Acc@t2", "delta", "i->c", "c->i"] | row),
(inputs | [(input_filename | split("/")[-1] | rtrimstr(".json")),
	(.acc_t1 | cell(false)), (.acc_t2 | cell(false)), (.delta | cell(true)),
	(.i_to_c | cell(false)), (.c_to_i | cell(false))] | row)
