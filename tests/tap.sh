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
#     records <<'EOF'                  -> JSON lines; a line that starts with a tab goes on the last
#     model smollm2 && ...             -> $model, the GGUF file
#     peers PACKAGE... && ...          -> $peers, a Python that has them
# (under CI both are fetched if need be; else absent ones make the test skip: see below)
# $top is the repository, $tmp a fresh folder that goes away; bin/ and sandbox/ are on PATH.
set -u
top=$(pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
PATH=$top/bin:$top/sandbox:$PATH
# tests run beside each other: a thread that waits must not spin on a core that another could use
: "${SCORE_WAIT:=passive}"
export PATH SCORE_WAIT top tmp
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

# A real model of ../shared/models/get-models (smollm2, qwen-coder, gemma3) below $SCORE_MODELS or
# run/models. Absent: fetched under CI, else status 1 and the reason in $why.
model() {
	case $1 in
	smollm2) model=smollm2-135m-instruct-q4_1 ;;
	qwen-coder) model=qwen2.5-coder-0.5b-instruct-q4_k_m ;;
	gemma3) model=gemma-3-270m-q4_k_m ;;
	esac
	model=${SCORE_MODELS:-run/models}/$model.gguf
	why="no $model (SCORE_MODELS names the folder)"
	if [ -n "${CI:-}" ] && [ ! -e "$model" ]; then
		mkdir -p "${model%/*}"
		# shellcheck disable=SC2016
		flock "${model%/*}" sh -c '[ -e "$1" ] || ../shared/models/get-models "${1%/*}" "$2"' - \
			"$model" "$1" >"$tmp/model.log" 2>&1 ||
			sed 's/^/# /' "$tmp/model.log"
	fi
	[ -e "$model" ]
}
# A Python with PyPI packages (name or name==version): $SCORE_PEERS (a virtual environment), else
# run/peers, which CI makes.
peers() {
	peers=${SCORE_PEERS:-run/peers}/bin/python
	why="no $peers with $* (SCORE_PEERS names the virtual environment)"
	for tap_p; do
		tap_import=${tap_p%%=*}
		"$peers" -c "import ${tap_import}" 2>/dev/null && continue
		[ -n "${CI:-}" ] && [ -z "${SCORE_PEERS:-}" ] || return 1
		mkdir -p run
		# shellcheck disable=SC2016
		flock run sh -c '[ -e run/peers/bin/pip ] || python3 -m venv run/peers &&
			run/peers/bin/pip install -q "$1"' - "$tap_p" >"$tmp/pip.log" 2>&1 ||
			sed 's/^/# /' "$tmp/pip.log"
		"$peers" -c "import ${tap_import}" 2>/dev/null || return 1
	done
}
# What to do where either is absent: a failure under CI.
absent() { if [ -n "${CI:-}" ]; then tap_line 'not ok' "$1: $why"; else skip "$1: $why"; fi; }
# The data sets ($data), else the test ends: skipped, but under CI failed.
shared_data() {
	data=../shared/data
	[ ! -d "$data" ] || return 0
	if [ -n "${CI:-}" ]; then tap_line 'not ok' "no $data"; else skip "no $data"; fi
	finish
}
records() { sed -e :a -e '$!N' -e 's/\n\t\t*//' -e ta -e P -e D; }
finish() { echo "1..$tap_n"; [ "$tap_bad" -eq 0 ] && [ "$tap_n" -gt 0 ]; exit $?; }
