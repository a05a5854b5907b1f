#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Serve real TCP clients on ruring, then on the kernel's own io_uring, with the
# same server, then with a server on epoll, and show what happened side by side. Runs as root where the
# module is loaded; "make run" runs it in a virtual machine.
#
#   CLIENTS=100    connections at a time
#   MESSAGES=1000  messages that each client sends and has echoed
#   SIZE=16-112    bytes of a message, or a range to pick from
#   BUFS=1024      buffers that the server's connections share, a power of two
#   TERMINAL=1     show progress in place although the output is no terminal:
#                  there is one at the other end of it
#   TOOLS=...      where the programs of tools/ were built
#
# Exits with 0 only if every byte came back right on both.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${TOOLS:-$here/../build/tools}
clients=${CLIENTS:-100}
messages=${MESSAGES:-1000}
size=${SIZE:-16-112}
load_options=(--clients "$clients" --messages "$messages" --size "$size")
if [[ ${TERMINAL:-} == 1 ]]; then
	load_options+=(--terminal)
fi

# A virtual machine may have its root, and /tmp with it, read-only.
work=$(mktemp -d -p "${TMPDIR:-/tmp}" 2>/dev/null || mktemp -d -p /run)
server_pid=
declare -A got
failures=()

cleanup() {
	if [[ -n $server_pid ]]; then
		kill -KILL "$server_pid" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap cleanup EXIT

die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# fail BACKEND TEXT: the run goes on, the verdict will say so.
fail() {
	failures+=("$1: $2")
}

# start_server BACKEND: leaves its port in $port.
start_server() {
	local line
	: >"$work/server.$1"
	case $1 in
	epoll) "$tools/epoll-server" >>"$work/server.$1" & ;;
	*) "$tools/echo-server" --backend "$1" --bufs "${BUFS:-1024}" >>"$work/server.$1" & ;;
	esac
	server_pid=$!
	# Up to 10 s, which is long even on an emulated processor.
	for ((i = 0; i < 200; i++)); do
		if read -r line <"$work/server.$1" && [[ $line == ready\ port=* ]]; then
			port=${line#ready port=}
			return 0
		fi
		kill -0 "$server_pid" 2>/dev/null || break
		sleep 0.05
	done
	return 1
}

# stop_server BACKEND: end it; it then says what it counted.
stop_server() {
	local status=0
	kill -TERM "$server_pid" 2>/dev/null || true
	# A server that does not end must not keep the demo from ending.
	for ((i = 0; i < 400; i++)); do
		kill -0 "$server_pid" 2>/dev/null || break
		sleep 0.05
	done
	kill -KILL "$server_pid" 2>/dev/null || true
	wait "$server_pid" || status=$?
	server_pid=
	if ((status != 0)); then
		fail "$1" "the server ended with status $status"
	fi
}

# keep WORD BACKEND: the key=value pairs of the line that begins with WORD, of
# the file named for both, become ${got[WORD.BACKEND.key]}.
keep() {
	local line pair
	line=$(grep "^$1 " "$work/$1.$2") || return 1
	for pair in ${line#"$1" }; do
		got[$1.$2.${pair%%=*}]=${pair#*=}
	done
}

# serve BACKEND: one whole run.
serve() {
	local backend=$1 status=0
	printf '\n%s: %s clients x %s messages of %s bytes\n' \
		"$backend" "$clients" "$messages" "$size"
	if ! start_server "$backend"; then
		stop_server "$backend"
		fail "$backend" "the server did not start"
		return
	fi
	"$tools/load" --port "$port" "${load_options[@]}" \
		>"$work/load.$backend" || status=$?
	stop_server "$backend"
	keep load "$backend" ||
		fail "$backend" "the load generator has nothing to report"
	keep server "$backend" ||
		fail "$backend" "the server has no statistics to report"
	if ((status != 0)); then
		fail "$backend" "${got[load.$backend.mismatches]-?} wrong bytes, ${got[load.$backend.failed]-?} failed clients"
	fi
	if [[ ${got[load.$backend.messages]-} != "$((clients * messages))" ]]; then
		fail "$backend" "${got[load.$backend.messages]-no} messages echoed, not $((clients * messages))"
	fi
}

row() {
	printf '  %-24s %11s %11s %11s %12s %9s\n' "$@"
}

# rate BACKEND: messages a second, to the nearest one.
rate() {
	awk -v n="${got[load.$1.messages]-0}" -v t="${got[load.$1.elapsed]-0}" \
		'BEGIN { print (t > 0 ? int(n / t + 0.5) : "-") }'
}

# compare LABEL WORD KEY: one row of the table; ruring by each of the others at the end.
compare() {
	local ours=${got[$2.ruring.$3]--} theirs=${got[$2.io_uring.$3]--} epoll=${got[$2.epoll.$3]--}
	row "$1" "$ours" "$theirs" "$epoll" "$(ratio "$ours" "$theirs")" "$(ratio "$ours" "$epoll")"
}

ratio() {
	awk -v a="$1" -v b="$2" \
		'BEGIN { if (b + 0 > 0 && a + 0 > 0) printf "%.2f", a / b; else print "-" }'
}

table() {
	printf '\n'
	row '' ruring io_uring epoll '/ io_uring' '/ epoll'
	compare 'connections' load connections
	compare 'messages echoed' load messages
	compare 'bytes echoed' load bytes
	compare 'wrong bytes' load mismatches
	compare 'receive completions' server messages
	compare 'completions per enter' server cqes_per_enter
	compare 'system calls for them' server enters
	compare 'buffers recycled' server recycled
	compare 'receives armed again' server rearms
	compare 'failed operations' server errors
	compare 'elapsed, seconds' load elapsed
	row 'messages per second' "$(rate ruring)" "$(rate io_uring)" "$(rate epoll)" \
		"$(ratio "$(rate ruring)" "$(rate io_uring)")" "$(ratio "$(rate ruring)" "$(rate epoll)")"
	printf '\n'
}

for number in "$clients" "$messages"; do
	[[ $number =~ ^[1-9][0-9]*$ ]] ||
		die "CLIENTS and MESSAGES are whole numbers from 1, not '$number'"
done
[[ -c /dev/ruring ]] || die "there is no /dev/ruring: the ruring module is not loaded"
[[ -x $tools/echo-server && -x $tools/epoll-server && -x $tools/load ]] ||
	die "the programs of tools/ are not built in $tools"
# A descriptor for each client in the server, one in the load generator, and some more.
raise() {
	local now
	now=$(<"$1") && ((now >= $2)) || echo "$2" >"$1" || die "cannot raise $1 to $2 for $clients clients"
}
raise /proc/sys/fs/nr_open $((clients + 1000))
raise /proc/sys/fs/file-max $((2 * clients + 10000))
raise /proc/sys/net/core/somaxconn 4096
ip link set lo up || die "cannot bring the loopback interface up"

# Progress and results are one text, in one order.
exec 2>&1

serve ruring
serve io_uring
serve epoll
table

if ((${#failures[@]})); then
	printf 'FAILED: %s\n' "${failures[@]}"
	exit 1
fi
printf 'PASSED: ruring echoed %s messages of %s clients, every byte of %s checked\n' \
	"${got[load.ruring.messages]}" "${got[load.ruring.connections]}" "${got[load.ruring.bytes]}"
