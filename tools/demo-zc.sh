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
#   TURNS=7      how often each sender has its turn
#   TOOLS=...    where the programs of tools/ were built
#
# Exits with 0 only if every byte came right, nothing was copied, and each send
# had as many completions as it should.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=${TOOLS:-$here/../build/tools}
clients=${CLIENTS:-4} chunks=${CHUNKS:-250} size=${SIZE:-16384} turns=${TURNS:-7}
declare -A got
failures=()

die() {
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# serve NAME COMPLETIONS OPTION...: one turn. Adds up in ${got[NAME.key]}, and keeps what each turn
# needed for a send in ${got[NAME.each]}.
serve() {
	local name=$1 completions=$2 line='' pair
	local -A now=()
	shift 2
	if ! line=$(timeout 120 "$tools/file-sender" "$@" --clients "$clients" --chunks "$chunks" \
		--size "$size"); then
		failures+=("$name: the sender failed")
	fi
	for pair in ${line#zc}; do
		now[${pair%%=*}]=${pair#*=}
	done
	[[ ${now[bytes]-} == "$((clients * chunks * size))" && ${now[wrong]} == 0 ]] ||
		failures+=("$name: ${now[bytes]-no} bytes, ${now[wrong]-?} of them wrong")
	[[ ${now[copied]-} == 0 ]] ||
		failures+=("$name: the pages of ${now[copied]-?} sends were copied")
	[[ ${now[cqes]-} == "$((completions * clients * chunks))" ]] ||
		failures+=("$name: ${now[cqes]-no} completions")
	for pair in sends bytes wrong copied cqes enters; do
		got[$name.$pair]=$((${got[$name.$pair]-0} + ${now[$pair]-0}))
	done
	got[$name.each]+="$((${now[cpu]-0} / ${now[sends]-1}))"$'\n'
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

# turn LABEL WHICH: one row, of what the turns needed for a send the least, the median or the most.
turn() {
	local name values=() sorted
	for name in two one io_uring; do
		mapfile -t sorted < <(printf '%s' "${got[$name.each]}" | sort -n)
		values+=("${sorted[$2]}")
	done
	row "$1" "${values[@]}"
}

[[ -c /dev/ruring ]] || die "there is no /dev/ruring: the ruring module is not loaded"
[[ -x $tools/file-sender ]] || die "the programs of tools/ are not built in $tools"
[[ -e /run/netns/link0 ]] || die "there is no cable between two network devices"

printf '\nzero-copy sends to %s clients, %s of %s bytes to each, over virtio-net; %s turns\n' \
	"$clients" "$chunks" "$size" "$turns"
for ((i = 0; i < turns; i++)); do
	serve two 2 --backend ruring
	serve one 1 --backend ruring --combined
	serve io_uring 2 --backend io_uring
done

printf '\n'
row '' 'ruring' 'ruring' 'io_uring'
row '' 'two CQEs' 'combined' 'two CQEs'
row 'bytes, each checked' "${got[two.bytes]--}" "${got[one.bytes]--}" "${got[io_uring.bytes]--}"
row 'wrong bytes' "${got[two.wrong]--}" "${got[one.wrong]--}" "${got[io_uring.wrong]--}"
row 'sends that were copied' "${got[two.copied]--}" 'not reported' "${got[io_uring.copied]--}"
each 'completions per send' cqes '%.2f'
each 'enters per send' enters '%.2f'
turn 'processor time, median' $((turns / 2))
turn '  the least' 0
turn '  the most' $((turns - 1))
printf '\n  Processor time: of the sender, for a send, %s.\n' \
	"${CLOCK:-in nanoseconds, as this clock does not count instructions}"
printf '  It copies a file into its buffers, and takes most network interrupts, also those of the clients\n'
printf '  that run beside it. When these come is chance: compare medians, and only beyond what the turns\n'
printf '  differ by. "make bench" counts what a send itself needs.\n\n'

if ((${#failures[@]})); then
	printf 'FAILED: %s\n' "${failures[@]}"
	exit 1
fi
printf 'PASSED: one completion for each of %s combined sends, every byte of %s checked\n' \
	"${got[one.sends]}" "${got[one.bytes]}"
