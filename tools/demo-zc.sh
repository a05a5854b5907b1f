#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Send files without a copy from registered buffers, over the cable between the
# network devices of the virtual machine: on ruring with two completions for
# each send and with one, and on the kernel's own io_uring, which has two.
# "make run MODE=zc" runs it, on a machine whose clock counts instructions.
#
#   CLIENTS=4    connections at a time
#   CHUNKS=250   sends to each client
#   SIZE=16384   bytes of each
#   TOOLS=...    where the programs of tools/ were built
#
# Exits with 0 only if every byte came right, nothing was copied, and each send
# had as many completions as it should.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${TOOLS:-$here/../build/tools}
clients=${CLIENTS:-4} chunks=${CHUNKS:-250} size=${SIZE:-16384}
declare -A got
failures=()

die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# serve NAME COMPLETIONS OPTION...: one run, kept in ${got[NAME.key]}.
serve() {
	local name=$1 completions=$2 line pair
	shift 2
	if ! line=$(timeout 120 "$tools/file-sender" "$@" --clients "$clients" --chunks "$chunks" \
		--size "$size"); then
		failures+=("$name: the sender failed")
	fi
	for pair in ${line#zc}; do
		got[$name.${pair%%=*}]=${pair#*=}
	done
	[[ ${got[$name.bytes]-} == "$((clients * chunks * size))" && ${got[$name.wrong]} == 0 ]] ||
		failures+=("$name: ${got[$name.bytes]-no} bytes, ${got[$name.wrong]-?} of them wrong")
	[[ ${got[$name.copied]-} == 0 ]] ||
		failures+=("$name: the pages of ${got[$name.copied]-?} sends were copied")
	[[ ${got[$name.cqes]-} == "$((completions * clients * chunks))" ]] ||
		failures+=("$name: ${got[$name.cqes]-no} completions")
}

row() {
	printf '  %-28s %14s %14s %14s\n' "$@"
}

# each LABEL KEY FORMAT: one row, KEY by the number of sends.
each() {
	local name values=()
	for name in two one io_uring; do
		values+=("$(awk -v n="${got[$name.$2]-}" -v s="${got[$name.sends]-0}" -v f="$3" \
			'BEGIN { if (n != "" && s > 0) printf f, n / s; else print "-" }')")
	done
	row "$1" "${values[@]}"
}

[[ -c /dev/ruring ]] || die "there is no /dev/ruring: the ruring module is not loaded"
[[ -x $tools/file-sender ]] || die "the programs of tools/ are not built in $tools"
[[ -e /run/netns/link0 ]] || die "there is no cable between two network devices"

printf '\nzero-copy sends to %s clients, %s of %s bytes to each, over virtio-net\n' \
	"$clients" "$chunks" "$size"
serve two 2 --backend ruring
serve one 1 --backend ruring --combined
serve io_uring 2 --backend io_uring

printf '\n'
row '' 'ruring' 'ruring' 'io_uring'
row '' 'two CQEs' 'combined' 'two CQEs'
row 'bytes, each checked' "${got[two.bytes]--}" "${got[one.bytes]--}" "${got[io_uring.bytes]--}"
row 'wrong bytes' "${got[two.wrong]--}" "${got[one.wrong]--}" "${got[io_uring.wrong]--}"
row 'sends that were copied' "${got[two.copied]--}" 'not reported' "${got[io_uring.copied]--}"
each 'completions per send' cqes '%.2f'
each 'enters per send' enters '%.2f'
each 'instructions per send' cpu '%.0f'
printf '\n  Instructions: processor time of the sender, which copies a file into its buffers, with the\n'
printf '  network interrupts that it takes; %s.\n' \
	"${CLOCK:-in nanoseconds, as this clock does not count instructions}"
printf '  These and the enters depend on when packets come, and so are a little different each time.\n\n'

if ((${#failures[@]})); then
	printf 'FAILED: %s\n' "${failures[@]}"
	exit 1
fi
printf 'PASSED: one completion for each of %s combined sends, every byte of %s checked\n' \
	"${got[one.sends]}" "${got[one.bytes]}"
