#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual is true: every tool has a page, every option stands in it, every example does what it
# says.
#
# Within .Sh EXAMPLES, the blocks .Bd -literal hold lines "$ command" (a backslash, written \e, at
# the end of a line: the command goes on) and the standard output expected. A line "..." stands for
# any number of lines. (Not `| head`: what writes to it may be ended by SIGPIPE, or not, and
# pipefail says so. `| sed -n 1,2p`.) Commands run one after the other, each in its own bash with
# pipefail, and must exit 0. Each page has a folder of its own, with copies of tests/golden/man/*
# and pipelines/.
. tests/tap.sh

# Writes page $1's examples to $2: N.cmd and N.want, N from 1.
extract() {
	awk -v dir="$2" '
		/^\.Sh / { examples = ($2 == "EXAMPLES") }
		/^\.Bd/ && examples { inside = /-literal/; next }
		/^\.Ed/ { inside = 0; more = 0 }
		!inside || /^\.\\"/ { next }
		/^\./ { next }    # .Pp between commands
		{
			gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\\(aq/, "\047"); gsub(/\\\(dq/, "\"")
			gsub(/\\e/, "\\")
			if (more || /^\$ /) {
				if (!more) { n++; sub(/^\$ /, ""); printf "" >(dir "/" n ".want") }
				more = /\\$/
				print >(dir "/" n ".cmd")
			} else if (n) print >(dir "/" n ".want")
		}' "$1"
}

# Does the output $2 match the expectation $1? Empty lines at the end do not count.
matches() {
	awk '
		function match_from(i, j,    k) {
			for (; i <= n; i++) {
				if (want[i] == "...") {
					for (k = j; k <= m + 1; k++)
						if (match_from(i + 1, k)) return 1
					return 0
				}
				if (j > m || want[i] != got[j++]) return 0
			}
			return j == m + 1
		}
		NR == FNR { want[++n] = $0; next }
		{ got[++m] = $0 }
		END {
			while (n && want[n] == "") n--
			while (m && got[m] == "") m--
			exit !match_from(1, 1)
		}' "$1" "$2"
}

# The tools that the command in file $1 names and that have no source here, in words.
absent() {
	grep -oE 'score-[a-z]+' "$1" | sort -u | while read -r tool; do
		[ -e "bin/$tool.c" ] || [ -e "sandbox/$tool.c" ] || [ -e "man/$tool.5" ] ||
			[ -e "man/$tool.7" ] || printf '%s ' "$tool"
	done
}

score-box --probe --min-tier 1 >/dev/null 2>&1 && tier1=yes || tier1=

check_page() { # file
	page=$(basename "$1")
	dir=$tmp/$page
	mkdir -p "$dir/home" "$dir/ex"
	cp tests/golden/man/* "$dir/home"
	ln -s "$top/pipelines" "$dir/home/pipelines"
	extract "$1" "$dir/ex"
	n=1 missing=
	while [ -e "$dir/ex/$n.cmd" ]; do
		cmd=$dir/ex/$n.cmd
		# what follows may need the files that a command without its tool did not make
		missing=${missing:-$(absent "$cmd")}
		if [ -n "$missing" ]; then
			skip "$page, example $n: ${missing}not in this tree yet"
		elif [ -z "$tier1" ] && grep -q -e '--min-tier [12]' -e 'c-program.py |' "$cmd"; then
			skip "$page, example $n: this machine gives no such jail"
		else
			(cd "$dir/home" &&
				timeout 300 env -u MAKEFLAGS -u MAKELEVEL bash -o pipefail "$cmd" </dev/null \
					>"$dir/got" 2>"$dir/err")
			rc=$?
			[ $rc -eq 0 ] && matches "$dir/ex/$n.want" "$dir/got" && result=ok || result='not ok'
			tap_line "$result" "$page, example $n: $(head -n 1 "$cmd" | tr '#' ' ')"
			if [ "$result" != ok ]; then
				{
					echo "status $rc; stderr:"; head -n 10 "$dir/err"
					echo 'expected:'; cat "$dir/ex/$n.want"
					echo 'got:'; head -n 40 "$dir/got"
				} | sed 's/^/#   /'
			fi
		fi
		n=$((n + 1))
	done
	examples=$((n - 1))
}

is 'no example depends on who ends first' \
	"$(grep -nE '^(\$ |    ).*\| *head|^    head ' man/*.[157])" ''

# The man page test itself can fail: what matches and what does not.
printf '%s\n' a ... c >"$tmp/want"
printf '%s\n' a x y c '' >"$tmp/got"
ok 'a line ... stands for many' matches "$tmp/want" "$tmp/got"
printf '%s\n' a c >"$tmp/got"
ok 'or for none' matches "$tmp/want" "$tmp/got"
printf '%s\n' a x >"$tmp/got"
matches "$tmp/want" "$tmp/got" && r=yes || r=no
is 'a missing line is noticed' "$r" no
printf '%s\n' a x c d >"$tmp/got"
matches "$tmp/want" "$tmp/got" && r=yes || r=no
is 'a line too many is noticed' "$r" no

for src in bin/score-*.c sandbox/score-box.c; do
	[ -e "$src" ] || continue
	tool=$(basename "$src" .c)
	if [ ! -e "man/$tool.1" ]; then
		tap_line 'not ok' "$tool has a page"
		continue
	fi
	tap_line ok "$tool has a page"
	mandoc -Tascii "man/$tool.1" | sed "s/.$(printf '\b')//g" >"$tmp/text"
	undocumented=
	for option in $("$tool" --help 2>/dev/null |
		awk '/^  / { for (i = 1; $i ~ /^-/; i++) { sub(/,$/, "", $i); print $i } }'); do
		case $option in -h|--help|-V|--version) continue ;; esac
		grep -qE -e "(^|[^-a-z])$option([^-a-z0-9]|\$)" "$tmp/text" ||
			undocumented="$undocumented $option"
	done
	is "$tool: every option stands in its page" "$undocumented" ''
done

for page in man/*.[157]; do
	[ -e "$page" ] || continue
	check_page "$page"
	case $page in
	man/score-*.1)
		[ "$examples" -gt 0 ] && r=ok || r='not ok'
		tap_line "$r" "$(basename "$page") has examples" ;;
	esac
done
finish
