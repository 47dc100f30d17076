#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may include whom. Arrows point down only: a room sees the rooms that score-hacking(7) names
# and what these see.
. tests/tap.sh

map=man/score-hacking.7
sed -n 's/^\.It Sy \([a-z]*\)\( No \\(-> Li \(.*\)\)\{0,1\}$/\1	\3/p' $map >"$tmp/arrows"
is 'the map has every room, and no other' "$(cut -f 1 "$tmp/arrows" | sort | tr '\n' ' ')" \
	"$(for room in lib/*/; do basename "$room"; done | sort | tr '\n' ' ')"
# A library's header, and the places that may include it.
cat >"$tmp/system" <<'LIBRARIES'
jv.h	lib/jsonl/
jq.h	lib/jsonl/
lmdb.h	lib/store/
mpi.h	lib/comm/
pcre2.h	lib/tok/
seccomp.h	sandbox/ lib/verify/filter.c
linux/seccomp.h	sandbox/ lib/verify/filter.c
flint/	lib/formula/
arb.h	lib/formula/
acb.h	lib/formula/
calcium/	lib/formula/
cuda	lib/dev/cuda/
cublas	lib/dev/cuda/
Random123/	lib/base/
LIBRARIES

# "file line included" of every #include in the given files, in quotes or in brackets
includes() { # opening-character files...
	open=$1; shift
	[ $# -eq 0 ] || awk -v open="$open" '
		match($0, /^[ \t]*#[ \t]*include[ \t]*["<][^">]+/) {
			s = substr($0, RSTART, RLENGTH); sub(/^[ \t]*#[ \t]*include[ \t]*/, "", s)
			if (substr(s, 1, 1) == open) print FILENAME, FNR, substr(s, 2)
		}' "$@"
}

# Lines "file:line: ..." of what breaks the rules, given the arrows and the includes (file line
# path).
judge() {
	awk -v table="$tmp/arrows" '
		function sees(room, target, path,    i, n, to) {
			if (room == target) return 1
			n = split(arrow[room], to, " ")
			for (i = 1; i <= n; i++)
				if (to[i] == path || (to[i] !~ /\// && sees(to[i], target, path))) return 1
			return 0
		}
		BEGIN {
			while ((getline line <table) > 0) {
				split(line, f, "\t")
				arrow[f[1]] = f[2]
				known[f[1]] = 1
			}
		}
		{
			room = $1; sub(/^lib\//, "", room); sub(/\/.*/, "", room)
			target = $3; sub(/\/.*/, "", target)
			at = $1 ":" $2 ": "
			if (!(room in known)) print at "room " room " is not in score-hacking(7)"
			else if ($3 !~ /\//) print at "\"" $3 "\": say the room, as in \"" room "/" $3 "\""
			else if (!sees(room, target, $3)) print at room " must not include " $3
		}' "$@"
}

# Does the judge see anything at all?
printf '%s\n' 'lib/base/a.c 1 jsonl/jsonl.h' 'lib/model/a.c 2 store/store.h' \
	'lib/import/a.c 3 model/model.h' \
	'lib/tok/a.c 4 traj/traj.h' 'lib/new/a.c 5 base/base.h' 'lib/tok/a.c 6 impl.h' >"$tmp/bad"
is 'six arrows that point up are found' "$(judge "$tmp/bad" | wc -l | tr -d ' ')" 6
printf '%s\n' 'lib/import/a.c 1 model/config.h' 'lib/rl/a.c 2 kern/kern.h' \
	'lib/rl/a.c 3 jsonl/jsonl.h' 'lib/tok/a.c 4 tok/impl.h' \
	'lib/base/a.c 5 base/base.h' >"$tmp/good"
is 'five that point down are not' "$(judge "$tmp/good")" ''

find lib -name '*.[ch]' -o -name '*.cu' -o -name '*.cuh' | sort >"$tmp/files"
# shellcheck disable=SC2046
includes '"' $(cat "$tmp/files") >"$tmp/quoted"
cp "$tmp/quoted" "$tmp/all"
ok "there is something to look at" test "$(wc -l <"$tmp/quoted")" -gt 20
is 'arrows between rooms point down' "$(judge "$tmp/quoted")" ''

# shellcheck disable=SC2046
includes '"' $(find sandbox -name '*.[ch]') >"$tmp/quoted"
is 'the sandbox includes base and itself' \
	"$(awk '$3 !~ /^base\// && $3 !~ /^[^\/]*$/ && $3 !~ /^sandbox\//' "$tmp/quoted")" ''

# shellcheck disable=SC2046
includes '<' $(cat "$tmp/files") $(find bin sandbox -name '*.[ch]') >"$tmp/bracketed"
while IFS='	' read -r header place; do
	is "<$header...> only in $place" \
		"$(awk -v h="$header" -v places="$place" \
		'BEGIN { n = split(places, p, " ") } index($3, h) == 1 {
			for (i = 1; i <= n && index($1, p[i]) != 1; i++) ;
			if (i > n) print
		}' "$tmp/bracketed")" ''
done <"$tmp/system"
# Below the seam only: the thread team, the table of kernels.
is 'kern/kern.h only in lib/kern and lib/dev' \
	"$(awk '$3 == "kern/kern.h" && $1 !~ /^lib\/(kern|dev)\//' "$tmp/all")" ''
is 'a file named inside.h is for its own room' \
	"$(awk '$3 ~ /\/inside\.h$/ {
		room = $1; sub(/^lib\//, "", room); sub(/\/.*/, "", room)
		if ($3 != room "/inside.h") print
	}' "$tmp/all")" ''
# The rest of the map: the files that it names are there, and so are the commits.
sed -n 's/^\.Pq Pa \([^ ]*\).*/\1/p; s/^\.\(It \)\{0,1\}Pa \([^ ]*\).*/\2/p' $map |
	grep -vE '^bin/score-name.c$|^inside.h$' >"$tmp/named"
missing=$(while read -r f; do [ -e "$f" ] || echo "$f"; done <"$tmp/named")
is 'files that the map names exist' "$missing" ''
if [ "$(git rev-parse --is-shallow-repository 2>/dev/null)" = false ]; then
	grep -oE '^\.Pq [0-9a-f]{7}$' $map | cut -c 5- >"$tmp/commits"
	missing=$(while read -r c; do
		git cat-file -e "$c^{commit}" 2>/dev/null || echo "$c"
	done <"$tmp/commits")
	is 'so do the commits' "$missing" ''
else
	skip 'no history here'
fi
finish
