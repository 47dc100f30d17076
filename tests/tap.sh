# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# TAP from shell. Source it from a test run at the repository's top:
#     . tests/tap.sh
#     ok "name" command args...        the command succeeds
#     is "name" "got" "expected"       two strings are the same
#     has "name" file "text"           the file holds the text (as it is, no pattern)
#     run command args...              -> $status, files $tmp/out $tmp/err (stdin passes through)
#     skip "why"
#     finish
# $top is the repository, $tmp a fresh folder that goes away; bin/ and sandbox/ are on PATH.
set -u
top=$(pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
PATH=$top/bin:$top/sandbox:$PATH
export PATH top tmp
tap_n=0 tap_bad=0 status=0

tap_line() { # result name
	tap_n=$((tap_n + 1))
	[ "$1" = ok ] || tap_bad=$((tap_bad + 1))
	printf '%s\n' "$1 $tap_n - $2"
}
ok() {
	tap_name=$1; shift
	if "$@" >"$tmp/ok.log" 2>&1; then tap_line ok "$tap_name"; else
		tap_line 'not ok' "$tap_name"; sed 's/^/# /' "$tmp/ok.log"
	fi
}
is() {
	if [ "$2" = "$3" ]; then tap_line ok "$1"; else
		tap_line 'not ok' "$1"
		printf 'got:      %s\nexpected: %s\n' "$2" "$3" | sed 's/^/# /'
	fi
}
has() {
	if grep -qF -e "$3" "$2"; then tap_line ok "$1"; else
		tap_line 'not ok' "$1"
		{ printf 'expected: %s\n' "$3"; echo "got:"; head -n 20 "$2"; } | sed 's/^/# /'
	fi
}
skip() { tap_n=$((tap_n + 1)); printf '%s\n' "ok $tap_n # SKIP $1"; }
# shellcheck disable=SC2034  # status is for the test that called
run() { "$@" >"$tmp/out" 2>"$tmp/err" && status=0 || status=$?; return 0; }
finish() { echo "1..$tap_n"; [ "$tap_bad" -eq 0 ] && [ "$tap_n" -gt 0 ]; exit $?; }
