#!/bin/sh
# SPDX-License-Identifier: MIT
# What needs no run to be wrong: shell scripts, manual pages, Python and jq that do not parse,
# licence lines.
. tests/tap.sh

if git rev-parse --git-dir >/dev/null 2>&1; then
	git ls-files --cached --others --exclude-standard
else
	find . -type f ! -path './build/*' ! -path './run/*' | sed 's|^\./||'
fi | sort -u | while read -r f; do [ -f "$f" ] && printf '%s\n' "$f"; done >"$tmp/files"

# kind of a file, by its name or its first line
kind() {
	case $1 in
	*.sh) echo sh ;;
	*.c|*.h|*.cu|*.cuh) echo c ;;
	*.py) echo python ;;
	*.jq) echo jq ;;
	*.mk|Makefile|*/Makefile) echo make ;;
	man/*.[157]) echo man ;;
	*) case $(head -n 1 "$1" 2>/dev/null | tr -d '\000') in
		'#!'*python*) echo python ;;
		'#!'*sh) echo sh ;;
		'#!'*jq*) echo jq ;;
		'#!'*make*) echo make ;;
		*) echo other ;;
		esac ;;
	esac
}
while read -r f; do echo "$(kind "$f") $f"; done <"$tmp/files" >"$tmp/kinds"
of() { sed -n "s/^$1 //p" "$tmp/kinds"; }

unmarked=
while read -r k f; do
	[ "$k" = other ] || head -n 3 "$f" | grep -q 'SPDX-License-Identifier: MIT' ||
		unmarked="$unmarked $f"
done <"$tmp/kinds"
is 'every source names its licence in its first lines' "$unmarked" ''

ok 'there are shell scripts to check' test "$(of sh | wc -l)" -gt 5
for f in $(of sh); do ok "shellcheck $f" shellcheck -x "$f"; done
for f in $(of man); do
	mandoc -Tlint -Wwarning "$f" >"$tmp/lint" 2>&1
	is "mandoc $f" "$(cat "$tmp/lint")" ''
done
for f in $(of python); do
	ok "$f parses" \
		python3 -c 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read())' "$f"
done
for f in $(of jq); do
	# undefined variables are the caller's --arg: given here, whatever their names
	grep -oE '\$[a-z_]+' "$f" | sort -u | sed 's/^.//' | grep -vE '^(ENV|__loc__)$' >"$tmp/names"
	set --
	while read -r name; do set -- "$@" --arg "$name" 1; done <"$tmp/names"
	jq -n "$@" --arg unused 1 "if false then ($(cat "$f")
		) else empty end" >"$tmp/jq.log" 2>&1
	is "jq compiles $f" "$(cat "$tmp/jq.log")" ''
done
long=
for f in $(of c); do [ "$(wc -l <"$f")" -le 700 ] || long="$long $f"; done
is 'no C file beyond 700 lines' "$long" ''
sed -n '/^other /!s/^[a-z]* //p' "$tmp/kinds" >"$tmp/sources"
python3 - "$tmp/sources" >"$tmp/wide" <<'EOF'
import sys
for path in open(sys.argv[1]).read().splitlines():
    for n, line in enumerate(open(path, encoding="utf-8", newline="\n"), 1):
        if len(line.rstrip("\n").expandtabs(4)) > 100:
            print(f"{path}:{n}")
EOF
is 'no line of a source is longer than 100 columns, a tab being 4' "$(cat "$tmp/wide")" ''
is 'every shell test is executable' "$(grep -E '^tests/[a-z]+/[^/]*\.t$' "$tmp/files" |
	while read -r f; do [ -x "$f" ] || echo "$f"; done)" ''
finish
