#!/bin/sh
# SPDX-License-Identifier: MIT
# score-box -- COMMAND: what passes through, what is limited, what is refused, and that nothing is
# left behind.
# shellcheck disable=SC2016  # programs in single quotes
. tests/tap.sh

cd "$tmp" || exit 1
mkdir tree
verdict() { tail -n 1 "$tmp/err" | jq -c "$1" 2>&1; }
box() { run score-box "$@"; }
# name, expected [exit status, verdict's status, and more by jq], arguments of score-box
case_() {
	name=$1 want=$2 more=$3; shift 3
	box "$@" </dev/null
	is "$name" "$status $(verdict "[.status${more:+, $more}]")" "0 $want"
}

# ---- without a jail: usage ----
usage() { # what is wrong, arguments
	name=$1; shift
	box "$@" </dev/null
	is "usage: $name" "$status $(wc -c <out | tr -d ' ')" '2 0'
}
usage 'nothing to do'
usage 'no command after --' --
usage 'an empty command' -- ''
usage 'a command without --' true
usage 'an operand before --' true -- true
usage 'command and --probe' --probe -- true
usage 'a descriptor that is not open' --fd 9 -- true
usage 'a descriptor that is open for reading only' --fd 0 -- true
usage 'no time' --timeout 0 -- true
usage 'time that is no number' --timeout 1x -- true
usage 'no memory' --memory 0 -- true
usage 'bytes that are none' --output 1Q -- true
usage 'no /tmp' --tmp 0 -- true
usage 'no processes' --processes 0 -- true
usage 'a directory that is not there' --read "$tmp/nowhere" -- true
usage 'a file for a directory' --read "$tmp/out" -- true
usage 'the whole file system' --read / -- true
usage 'a tier better than the best' --tier 2 --min-tier 1 -- true

${CC:-cc} -O1 -o "$tmp/tree/calls" "$top/tests/sandbox/jailed/calls.c" || exit 1
echo secret >"$tmp/secret"
chmod 755 "$tmp" "$tmp/tree"; chmod 644 "$tmp/secret"
head -c 300000 /dev/urandom >"$tmp/binary"
# What a jail could leave behind outside.
outside() { find "$tmp/tree" /tmp/left-behind* /var/tmp/left-behind* 2>/dev/null | sort; }
before=$(outside)

for tier in 1 2 3; do
	if ! score-box --tier $tier --min-tier $tier -- true 2>/dev/null >&2 </dev/null; then
		skip "tier $tier: this machine has no such jail"
		continue
	fi
	t="--tier $tier --min-tier $tier --wall 600"
	# shellcheck disable=SC2086
	tiered() {
		name=$1 want=$2 more=$3; shift 3
		case_ "tier $tier: $name" "$want" "$more" $t "$@"
	}

	# ---- what it says ----
	tiered 'true passes' '["pass",0,'$tier',null]' '.exit, .tier, .signal' -- true
	ok "tier $tier: the verdict fits its schema" \
		sh -c "cd '$top' && tail -n 1 '$tmp/err' | tests/validate box"
	tiered 'an exit status' '["exception",3]' .exit -- sh -c 'exit 3'
	tiered 'an exit status of the other half' '["exception",255,null]' '.exit, .signal' \
		-- sh -c 'exit 255'
	tiered 'a signal' '["exception",null,15]' '.exit, .signal' -- sh -c 'kill -TERM $$'
	tiered 'a crash' '["exception",11]' .signal -- python3 -c 'import ctypes; ctypes.string_at(0)'
	tiered 'an abort' '["exception",6]' .signal -- python3 -c 'import os; os.abort()'
	tiered 'SIGKILL from itself is no error of ours' '["exception",9]' .signal \
		-- sh -c 'kill -KILL $$'
	ok "tier $tier: that, too" sh -c "cd '$top' && tail -n 1 '$tmp/err' | tests/validate box"
	# shellcheck disable=SC2086
	box $t -- /no/such/command
	is "tier $tier: a command that is not there" "$status $(cat err)" \
		'1 score-box: /no/such/command: No such file or directory'
	# shellcheck disable=SC2086
	box $t -- /usr/share
	is "tier $tier: one that is a directory" "$status $(cat err)" \
		'1 score-box: /usr/share: Permission denied'

	# ---- what passes through ----
	# shellcheck disable=SC2086
	run score-box $t -- cat <"$tmp/binary"
	is "tier $tier: bytes through standard input and output" \
		"$status $(cmp out binary && echo same) $(verdict .status)" '0 same "pass"'
	# shellcheck disable=SC2086
	score-box $t -- sh -c 'printf out; printf err >&2' >one 2>two </dev/null
	is "tier $tier: standard output and error stay apart" "$(cat one) $(head -n 1 two)" 'out err'
	is "tier $tier: the verdict has a line of its own" "$(tail -n 1 two | jq -c .status)" '"pass"'
	# shellcheck disable=SC2086
	score-box $t --fd 5 -- sh -c 'echo to 5 >&5; echo out' >one 2>two 5>five </dev/null
	is "tier $tier: the verdict on a descriptor, which the command does not have" \
		"$(cat one) $(jq -c .status five) $(wc -l <five | tr -d ' ')" 'out "pass" 1'
	# shellcheck disable=SC2086
	score-box $t --fd 1 -- printf hello >one </dev/null
	is "tier $tier: the verdict after the output" \
		"$(head -n 1 one) $(tail -n 1 one | jq -c .status)" 'hello "pass"'
	# shellcheck disable=SC2086
	run sh -c "score-box $t --output 8M -- head -c 6000000 /dev/zero | wc -c | tr -d ' '"
	is "tier $tier: much output" "$(cat out) $(verdict .status)" '6000000 "pass"'
	# shellcheck disable=SC2086
	run sh -c "yes | score-box $t -- head -n 2"
	is "tier $tier: input without end" "$(tr '\n' . <out) $(verdict .status)" 'y.y. "pass"'
	# shellcheck disable=SC2086
	run score-box $t -- cat <&-
	is "tier $tier: closed standard input is empty" "$status $(verdict .status)" '0 "pass"'
	# shellcheck disable=SC2086
	score-box $t -- echo hi 2>err >&- </dev/null && r=0 || r=$?
	is "tier $tier: closed standard output" "$r $(grep -c '<stdout>: Bad file' err)" '1 1'
	# shellcheck disable=SC2086
	score-box $t -- true 2>err >&- </dev/null && r=0 || r=$?
	is "tier $tier: closed, but not needed" "$r $(verdict .status)" '0 "pass"'
	# shellcheck disable=SC2086
	score-box $t --fd 1 -- true >one 2>&- </dev/null && r=0 || r=$?
	is "tier $tier: closed standard error" "$r $(jq -c .status one)" '0 "pass"'
	# shellcheck disable=SC2086
	score-box $t -- sh -c 'echo 0; exec cat' <&- >one 2>err && r=0 || r=$?
	is "tier $tier: no descriptor takes a closed one's place" "$r $(cat one) $(verdict .status)" \
		'0 0 "pass"'
	# shellcheck disable=SC2086
	run sh -c "score-box $t -- echo full >/dev/full"
	is "tier $tier: full disk" "$status $(grep -c 'No space left' err)" '1 1'
	# shellcheck disable=SC2086
	run sh -c "score-box $t --fd 3 -- true 3>/dev/full"
	is "tier $tier: full disk for the verdict" \
		"$status $(grep -c 'descriptor 3: No space left' err)" '1 1'
	# shellcheck disable=SC2086
	run bash -c "score-box $t --output 1G -- yes | head -n 1; echo \${PIPESTATUS[0]}"
	is "tier $tier: nobody reads any more" "$(tr '\n' ' ' <out)$(grep -c 'Broken pipe' err)" 'y 1 1'
	# shellcheck disable=SC2086
	is "tier $tier: nothing of our environment" \
		"$(SECRET=secret score-box $t -- env 2>/dev/null </dev/null | sed 's/=.*//' | sort |
		tr '\n' ' ')" 'HOME LANG LOGNAME PATH USER '
	# shellcheck disable=SC2086
	is "tier $tier: none of our descriptors, high or low" "$(score-box $t -- python3 -c '
import os
for fd in range(256):
    try: os.fstat(fd); print(fd, end=" ")
    except OSError: pass' 2>/dev/null 4<secret 9<secret </dev/null)" '0 1 2 '
	# shellcheck disable=SC2086
	is "tier $tier: not the caller's directory as descriptor" "$(score-box $t -- python3 -c '
import os
try: print(os.open("secret", 0, dir_fd=0))
except OSError as e: print(type(e).__name__)' 2>/dev/null </dev/null)" 'NotADirectoryError'

	# ---- limits ----
	tiered 'CPU time' '["timeout"]' '' --timeout 0.3 -- python3 -c 'while True: pass'
	tiered 'CPU time, deaf to signals' '["timeout"]' '' --timeout 0.3 \
		-- sh -c 'trap "" XCPU TERM INT; while :; do :; done'
	tiered 'wall time' '["timeout","more than 0.3 s of wall time"]' .detail --wall 0.3 -- sleep 30
	tiered 'memory' '["memory"]' '' --memory 100M \
		-- python3 -c 'x = b"1" * 300000000; import time; time.sleep(30)'
	tiered 'memory, without a cgroup' '["memory",true]' '.timing.peak > 100000000' \
		--no-cgroup --memory 100M -- \
		python3 -c 'x = b"1" * 300000000; import time; time.sleep(30)'
	tiered 'memory that is only reserved is none' '["pass"]' '' --memory 100M -- \
		python3 -c 'import mmap; x = mmap.mmap(-1, 1 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)'
	tiered 'output' '["output-limit","more than 1000 bytes printed"]' .detail --output 1000 -- yes
	is "tier $tier: no more than that comes" "$(wc -c <out | tr -d ' ')" 1000
	tiered 'output to standard error, too' '["output-limit"]' '' --output 10 \
		-- sh -c 'echo 12345; echo 123456 >&2'
	tiered 'no output allowed, none made' '["pass"]' '' --output 0 -- true
	tiered 'exactly as much output as allowed' '["pass"]' '' --output 6 -- echo 12345

	# ---- what a cgroup counts, and what is counted where there is none ----
	tiered 'sockets without end' '["pass"]' '' --no-cgroup --memory 40M -- python3 -c '
import socket
try:
    while True: socket.socketpair()
except OSError as e: print(e.strerror)'
	is "tier $tier: as many as the memory allows, closed ones, too" "$(cat out)" \
		'Too many open files in system'
	tiered 'a few sockets are no matter' '["pass"]' '' --no-cgroup \
		-- python3 -c 'import asyncio; [asyncio.run(asyncio.sleep(0)) for _ in range(20)]'
	for how in '' --no-cgroup; do
		# shellcheck disable=SC2086
		tiered "threads without end $how" '["exception","exit status 7"]' .detail $how \
			--processes 8 -- python3 -c '
import os, threading, time
n = 0
try:
    for n in range(100): threading.Thread(target=time.sleep, args=(1000,)).start()
except RuntimeError: os._exit(7 if n < 9 else 8)
os._exit(9)'
	done
	tiered 'output held open by a descriptor on its way' '["pass"]' '' -- python3 -c '
import array, os, socket
a, b = socket.socketpair()
b.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [a.fileno(), 1, 2]))])
b.close()
os.write(1, b"done\n")
os._exit(0)'
	is "tier $tier: what it wrote" "$(cat out)" 'done'

	# ---- what is refused ----
	tiered 'a socket' '["violation","socket"]' .call -- python3 -c 'import socket; socket.socket()'
	ok "tier $tier: that fits the schema" \
		sh -c "cd '$top' && tail -n 1 '$tmp/err' | tests/validate box"
	tiered 'raw, netlink' '["violation"]' '' \
		-- python3 -c 'import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)'
	tiered 'a local socket is refused with an error' '["exception"]' '' \
		-- python3 -c 'import socket; socket.socket(socket.AF_UNIX)'
	tiered 'a pair of them is not' '["pass"]' '' \
		-- python3 -c 'import socket; a, b = socket.socketpair(); a.send(b"x"); b.recv(1)'
	if [ $tier -eq 3 ]; then
		tiered 'what its user may read, it reads' '["pass"]' '' -- cat "$tmp/secret"
	else
		tiered 'files that are not named' '["exception"]' '' -- cat "$tmp/secret"
		is "tier $tier: not a byte of it" "$(wc -c <out | tr -d ' ')" 0
		tiered 'users' '["exception"]' '' -- cat /etc/passwd
		tiered 'other processes' '["exception"]' '' -- cat "/proc/$$/environ"
		tiered 'home directories' '["exception"]' '' -- ls /root /home
		tiered 'what lies above a directory that is named' '["exception"]' '' --read "$tmp/tree" \
			-- cat "$tmp/tree/../secret"
		is "tier $tier: not a byte of that" "$(wc -c <out | tr -d ' ')" 0
	fi
	tiered 'devices are read' '["pass"]' '' -- python3 -c '
names = "null", "zero", "random", "urandom"
assert [len(open("/dev/" + d, "rb", 0).read(4)) for d in names] == [0, 4, 4, 4]'
	tiered 'but the entropy pool is not written' '["exception"]' '' -- sh -c ': >/dev/urandom'
	if [ $tier -eq 1 ] ||
		{ [ $tier -eq 2 ] && [ "$(score-box --probe | jq .landlock)" -ge 3 ]; }; then
		tiered 'the null device is written' '["pass"]' '' \
			-- sh -c 'echo hidden >/dev/null && : >>/dev/zero'
		tiered 'and stays' '["exception"]' '' -- python3 -c 'import os; os.unlink("/dev/null")'
	fi
	tiered 'home and name' '["pass"]' '' -- python3 -c \
		'import getpass, pathlib, uuid; getpass.getuser(); pathlib.Path.home(); uuid.uuid1()'
	tiered 'becoming who one is' '["pass"]' '' -- python3 -c '
import os
os.setuid(os.getuid()), os.seteuid(os.geteuid()), os.setgid(os.getgid()), os.setegid(os.getegid())'
	tiered 'a directory that is named' '["pass"]' '' --read "$tmp/tree" -- "$tmp/tree/calls" getpid
	is "tier $tier: is there to run programs from" "$(cat out)" 0
	# shellcheck disable=SC2086
	(cd tree && score-box $t --read . -- sh -c 'pwd; exec ./calls getpid') >one 2>err </dev/null
	is "tier $tier: and the command begins there" "$(tr '\n' ' ' <one)" "$tmp/tree 0 "
	tiered 'and it cannot be written' '["exception"]' '' --read "$tmp/tree" \
		-- sh -c "cd $tmp/tree && : >left-behind"
	tiered 'nor can anything outside' '["exception"]' '' \
		-- sh -c ': >/usr/left-behind || : >/var/tmp/left-behind || : >/left-behind'
	is "tier $tier: nothing left outside" "$(outside)" "$before"

	# ---- calls: name, arguments, expected ----
	while read -r line; do
		call=${line%% *} want=${line##* = }
		args=${line#"$call"} args=${args% = *}
		case $want in *\|*) [ $tier -eq 1 ] && want=${want%%|*} || want=${want##*|} ;; esac
		# shellcheck disable=SC2086
		box $t --read "$tmp/tree" -- "$tmp/tree/calls" "$call" $args </dev/null
		got=$(sort -u out)      # a new process says it, too
		[ "$(verdict .status)" = '"violation"' ] && got=$(verdict .call | tr -d '"')
		[ "$want" = violation ] && want=$call
		is "tier $tier: $call$args" "$got" "$want"
	done <<'END'
getpid = 0
kill self 0 = 0
kill 1 9 = 0|1
kill -1 0 = 3|1
tgkill self self 0 = 0
clone 17 = 0|violation
clone 0x10000011 = violation
clone 0x20000011 = violation
clone 0x40000011 = violation
clone 0x00020011 = violation
clone 0x02000011 = violation
clone 0x04000011 = violation
clone 0x08000011 = violation
clone3 0 0 = 38
unshare 0x10000000 = violation
setns 0 0 = violation
ptrace 0 0 = violation
process_vm_readv 1 0 0 0 0 = violation
process_vm_writev 1 0 0 0 0 = violation
kcmp 1 2 0 0 0 = violation
pidfd_getfd 0 0 0 = violation
pidfd_open self 0 = 38
pidfd_send_signal 0 9 0 0 = 38
process_madvise 0 0 0 0 0 = 38
socket 1 1 0 = 13
socket 2 1 0 = violation
socket 2 2 0 = 13
socket 2 0x80802 0 = 13
socket 2 2 17 = violation
socket 2 3 0 = violation
socket 2 0x80801 6 = violation
socket 0x100000001 1 0 = violation
socket 10 1 0 = violation
socket 16 3 0 = violation
socket 17 3 0 = violation
socket 38 5 0 = violation
socket 40 1 0 = violation
socketpair 30 1 0 0 = 38
socketpair 1 2 0 0 = 38
connect 0 0 0 = violation
bind 0 0 0 = violation
listen 0 1 = violation
accept 0 0 0 = violation
accept4 0 0 0 0 = violation
sendto 1 0 0 0 path 16 = 38
mount 0 0 0 0 0 = violation
umount2 path 0 = violation
open_tree -100 path 0 = violation
move_mount 0 0 0 0 0 = violation
fsopen path 0 = violation
mount_setattr -100 path 0 0 0 = violation
chroot path = violation
pivot_root path path = violation
open_by_handle_at 0 0 0 = violation
name_to_handle_at 0 0 0 0 0 = violation
bpf 0 0 0 = violation
perf_event_open 0 0 0 0 0 = violation
userfaultfd 0 = violation
keyctl 0 0 0 0 0 = violation
add_key 0 0 0 0 0 = violation
request_key 0 0 0 0 = violation
init_module 0 0 0 = violation
finit_module 0 0 0 = violation
delete_module 0 0 = violation
kexec_load 0 0 0 0 = violation
reboot 0 0 0 0 = violation
swapon path 0 = violation
swapoff path = violation
quotactl 0 0 0 0 = violation
acct 0 = violation
syslog 0 0 0 = violation
settimeofday 0 0 = violation
clock_settime 0 0 = violation
adjtimex 0 = violation
clock_adjtime 0 0 = violation
sethostname path 4 = violation
setdomainname path 4 = violation
io_uring_setup 1 0 = 38
memfd_create path 0 = 38
memfd_secret 0 = 38
seccomp 2 0 0 = 38
landlock_create_ruleset 0 0 1 = 38
openat2 -100 path 0 0 = 38
shmget 0 4096 0666 = 38
semget 0 1 0666 = 38
msgget 0 0666 = 38
mq_open path 0 0 0 = 38
io_setup 1 0 = 38
inotify_init1 0 = 38
fanotify_init 0 0 = 38
vhangup = 38
migrate_pages 0 0 0 0 = 38
move_pages 0 0 0 0 0 0 = 38
personality 0x0040000 = 1
setuid 0 = 1
setgid 0 = 1
setresuid 0 0 0 = 1
setresuid -1 0 -1 = 1
setresuid 0xffffffff 0 0xffffffff = 1
setresgid 0xffffffff 0 0xffffffff = 1
setreuid 0 0 = 1
setregid 0 0 = 1
setgroups 0 0 = 1
capset 0 0 = 1
setpriority 0 0 -5 = 1
sched_setaffinity 0 0 0 = 1
mlockall 3 = 1
fchownat -100 path 0 0 0 = 1
prctl 38 0 0 0 0 = 38
prctl 1 0 0 0 0 = 38
prctl 4 1 0 0 0 = 38
prctl 15 path 0 0 0 = 0
fcntl 1 8 1 = 38
fcntl 1 10 9 = 38
fcntl 1 1 = 0
ioctl 1 0x5412 path = 38
ioctl 1 0x541b path = 0
prlimit64 1 7 0 0 = 38
prlimit64 0 7 0 0 = 0
openat -100 path 0x42 0600 = 0|13
openat -100 path 0 = 2
mkdirat -100 path 0700 = 0|13
mknodat -100 path 0x21a4 0x0103 = 1|13
END

	# ---- survivors ----
	for how in "sleep 29.$$ &" "(setsid sleep 29.$$ &)" \
		"(trap '' TERM HUP INT; setsid sleep 29.$$ >/dev/null 2>&1 <&1 &)"; do
		if [ $tier -eq 1 ]; then
			tiered "left behind: $how" '["pass"]' '' -- sh -c "$how"
		else
			tiered "not even begun: $how" '["violation","clone"]' .call -- sh -c "$how"
		fi
		is "tier $tier: dead" "$(pgrep -fx "sleep 29.$$")" ''
	done
	for signal in TERM INT HUP KILL; do
		# (sh starts what it puts behind with SIGINT ignored, nohup what it starts with SIGHUP, and
		# score-box leaves that so)
		# shellcheck disable=SC2086
		env --default-signal=INT,HUP score-box $t -- sleep 37.$$ >out 2>err </dev/null &
		pid=$!
		n=0
		until pgrep -fx "sleep 37.$$" >pids || [ $n -ge 600 ]; do n=$((n + 1)); sleep 0.05; done
		kill -$signal $pid
		wait $pid 2>/dev/null && r=0 || r=$?      # which says what ended it
		n=0
		while pgrep -fx "sleep 37.$$" >pids && [ $n -lt 600 ]; do n=$((n + 1)); sleep 0.05; done
		case $signal in TERM) n=143 ;; INT) n=130 ;; HUP) n=129 ;; KILL) n=137 ;; esac
		is "tier $tier: SIG$signal ends the jail, too" "$r [$(cat pids)] [$(cat err)]" "$n [] []"
	done
	[ $tier -eq 1 ] || continue

	# ---- what only namespaces give: processes, a place to write ----
	tiered 'pipes, files, many programs' '["pass"]' '' \
		-- sh -c 'seq 1000 | sort -r | tee a | head -n 3 >b && mkdir d && mv b d && cat d/b'
	tiered 'CPU time of several together' '["timeout"]' '' --timeout 0.5 -- \
		sh -c 'for i in 1 2 3 4; do (while :; do :; done) & done; wait'
	tiered 'CPU time of many that end soon' '["timeout"]' '' --timeout 0.5 -- \
		sh -c 'while :; do (i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done); done'
	orphans='
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(400):
    r, w = os.pipe()
    if os.fork() == 0:
        end = time.process_time() + 0.02
        while time.process_time() < end: pass
        os._exit(0)
    os.close(w)
    os.read(r, 1)
    os.close(r)'
	# what counts it: a group that has a clock, or a perf counter (0 of it is a fault if it may be
	# asked for)
	if [ "$(verdict .memory_by)" = '"cgroup"' ]; then
		tiered 'CPU time of children that nobody waits for' \
			'["timeout","more than 1 s of CPU time"]' .detail --timeout 1 -- python3 -c "$orphans"
	else
		skip 'CPU time of children that nobody waits for: no cgroup here'
	fi
	if [ "$("$tmp/tree/calls" perf_event_open 0 0 0 0 0)" = 14 ]; then
		tiered 'also without a group' '["timeout","more than 1 s of CPU time"]' .detail \
			--no-cgroup --timeout 1 -- python3 -c "$orphans"
	else
		skip 'also without a group: this machine lends no counter'
	fi
	tiered 'of those that one waits for, once' '["pass",true]' '.timing.cpu < 2' --timeout 20 \
		-- python3 -c '
import os, time
for _ in range(10):
    if os.fork() == 0:
        end = time.process_time() + 0.05
        while time.process_time() < end: pass
        os._exit(0)
    os.wait()'
	tiered 'memory of several together' '["memory"]' '' --memory 150M -- python3 -c '
import os, time
for _ in range(3): os.fork()
x = b"1" * 40000000
time.sleep(30)'
	tiered 'memory of several together, without a cgroup' '["memory"]' '' \
		--no-cgroup --memory 150M -- python3 -c '
import os, time
for _ in range(3): os.fork()
x = b"1" * 40000000
time.sleep(30)'
	tiered 'memory that they share counts once' '["pass"]' '' --no-cgroup --memory 150M \
		-- python3 -c '
import os, time
x = b"1" * 60000000
pids = [os.fork() for _ in range(2)]
time.sleep(0.3)
if all(pids): os.wait()'
	tiered 'processes' '["exception","exit status 7"]' .detail --processes 8 -- python3 -c '
import os, time
try:
    for _ in range(20):
        if os.fork() == 0: time.sleep(30)
except BlockingIOError: os._exit(7)'
	tiered 'a fork bomb' '["timeout"]' '' --processes 32 --wall 2 --timeout 1 -- python3 -c '
import subprocess, time
subprocess.Popen(["bash", "-c", "f() { f | f & }; f 2>/dev/null; wait"])
time.sleep(1000)'
	tiered 'large files' '["output-limit","a file of more than 100000 bytes"]' .detail \
		--file 100000 -- sh -c 'exec head -c 200000 /dev/zero >large'
	tiered 'a full /tmp' '["exception","exit status 5"]' .detail --tmp 1M \
		-- sh -c 'cat /dev/zero >a || { wc -c <a; exit 5; }'
	is "tier $tier: as much as it holds, and the reason" \
		"$(cat out) $(grep -c 'No space left on device' err)" '1048576 1'
	tiered 'kill them all: the jail stands' '["pass"]' '' \
		-- sh -c 'kill -9 1; kill -STOP 1; echo alive'
	tiered 'the first process ends, the others do, too' '["pass"]' '' \
		-- sh -c "sleep 29.$$ & sleep 29.$$ & exit 0"
	tiered 'a killed child is only a killed child' '["pass"]' '' \
		-- sh -c 'sh -c "kill -9 \$\$"; exit 0'
	tiered 'a violation by a child is the whole command'"'"'s' '["violation","unshare"]' .call \
		--read "$tmp/tree" -- \
		sh -c "$tmp/tree/calls unshare 0 & wait; exit 0"
	tiered 'its own /tmp, empty again each time' '["pass"]' '' \
		-- sh -c '[ -z "$(ls -A /tmp)" ] && : >/tmp/x'
	tiered 'and once more' '["pass"]' '' -- sh -c '[ -z "$(ls -A /tmp)" ]'
	tiered 'no network device is up' '["pass"]' '' \
		-- sh -c '[ ! -e /sys/class/net ] && [ ! -e /proc/net ]'
	case_ 'C: compiled and run' '["pass"]' '' --read "$top/tests/sandbox/jailed" \
		-- sh -c "${CC:-cc} -o c $top/tests/sandbox/jailed/calls.c && ./c getpid"
	tiered 'make' '["pass"]' '' -- sh -c \
		'printf "all: a b\n%%:\n\techo \$@ >\$@\n" >Makefile && make -j2 2>&1 >/dev/null && cat a b'
	is "tier $tier: made" "$(tr '\n' ' ' <out)" 'a b '
	tiered 'Perl' '["pass"]' '' -- perl -e 'print "ok\n"'
	tiered 'awk' '["pass"]' '' -- awk 'BEGIN { print "ok" }'
	tiered 'bash' '["pass"]' '' -- bash -c 'echo $((6 * 7)) ~'
	tiered 'Python with processes' '["pass"]' '' -- python3 -c '
import subprocess, multiprocessing.pool as p, threading
assert subprocess.run(["echo", "x"], capture_output=True).stdout == b"x\n"
assert p.ThreadPool(4).map(abs, [-1]) == [1]'
done
is 'nothing left outside, at last' "$(outside)" "$before"
finish
