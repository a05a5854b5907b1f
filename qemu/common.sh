# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Sourced by the scripts in qemu/: where things are, how to talk, which compilers to use.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${RURING_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ruring}
bindgen_version=0.73.2
virtiofsd_version=1.14.0
virtme_version=1.42
sphinx_version=8.2.3
matplotlib_version=3.10.3
ziglang_version=0.17.1
# The last whose package has the tests of its standard library.
zig_tests_version=0.15.2
go_version=1.27.3
liburing_wanted=2.15
others_wanted=(fio postgresql-18 mariadb-server-core mariadb-client-core coreutils dash apparmor)

# A make above us must not leak its variables and job server into the kernel's own make.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES KBUILD_OUTPUT KBUILD_EXTMOD

say() { printf 'ruring: %s\n' "$*" >&2; }
die() {
	printf 'ruring: error: %s\n' "$1" >&2
	shift
	[ $# -eq 0 ] || printf '  %s\n' "$@" >&2
	exit 1
}

took() { printf '%d:%02d' $((($1) / 60)) $((($1) % 60)); }

# step WHAT COMMAND…: runs it with its output in a log, showing WHAT, the newest line and the time.
step() {
	local what=$1 start=$SECONDS log=$cache/log/${1//[^A-Za-z0-9.-]/_}.log pid next=30 rc=0
	shift
	mkdir -p "$cache/log"
	say "$what"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# A background command does not hear of Ctrl-C by itself.
	trap 'kill $pid 2>/dev/null; exit 130' INT TERM HUP
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.5
		if [ -t 2 ]; then
			printf '\r\033[K  %s  %.70s' "$(took $((SECONDS - start)))" \
				"$(tail -n1 "$log" | tr -dc '[:print:]')" >&2
		elif [ $((SECONDS - start)) -ge $next ]; then
			next=$((next + 30))
			say "  $what: $(took $((SECONDS - start))), $(tail -n1 "$log" | tr -dc '[:print:]')"
		fi
	done
	[ ! -t 2 ] || printf '\r\033[K' >&2
	wait "$pid" || rc=$?
	trap - INT TERM HUP
	if [ $rc -ne 0 ]; then
		tail -n 25 "$log" >&2
		die "$what failed; the whole output is in $log"
	fi
	say "  $what: done in $(took $((SECONDS - start)))"
}

version_ge() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

# The Rust compiler must be new enough and come with the standard library's source: a distribution's
# does, a rustup one on PATH often does not. All of its tools are taken from the same place.
find_rust() {
	local candidate version sysroot dir
	for candidate in "${RUSTC:-}" /usr/bin/rustc "$(command -v rustc || true)"; do
		[ -x "$candidate" ] || continue
		version=$("$candidate" --version 2>/dev/null | cut -d' ' -f2) || continue
		version_ge "${version%%-*}" 1.85.0 || continue
		sysroot=$("$candidate" --print sysroot)
		[ -e "$sysroot/lib/rustlib/src/rust/library/core/src/lib.rs" ] || continue
		dir=$(dirname "$candidate")
		rustc=$candidate
		rust_tools=(RUSTC="$rustc" HOSTRUSTC="$rustc" RUSTDOC="$dir/rustdoc" RUSTFMT="$dir/rustfmt"
			CLIPPY_DRIVER="$dir/clippy-driver")
		rust_dir=$dir
		rust_text=$("$rustc" -vV)
		rust_llvm=$(sed -n 's/^LLVM version: \([0-9]*\).*/\1/p' <<<"$rust_text")
		return 0
	done
	return 1
}

# Prefer the clang whose LLVM is rustc's: only then can C helpers be inlined into Rust.
find_clang() {
	local n
	for n in "${rust_llvm:-22}" 22 21 20 19; do
		if command -v "clang-$n" "ld.lld-$n" "llvm-ar-$n" >/dev/null; then
			llvm=$n
			clang_text=$("clang-$n" --version | head -n1)
			return 0
		fi
	done
	return 1
}

find_toolchain() {
	find_rust && find_clang || return 1
	bindgen=$cache/tools/bindgen-$bindgen_version/bin/bindgen
	virtiofsd=$cache/tools/virtiofsd-$virtiofsd_version/bin/virtiofsd
	venv=$cache/tools/virtme-ng-$virtme_version
	sphinx=$cache/tools/sphinx-$sphinx_version
	matplotlib=$cache/tools/matplotlib-$matplotlib_version
	ziglang=$cache/tools/ziglang-$ziglang_version
	zig_tests=$cache/tools/ziglang-$zig_tests_version
	golang=$cache/tools/go-$go_version
	toolchain=(LLVM="-$llvm" "${rust_tools[@]}" BINDGEN="$bindgen")
	LIBCLANG_PATH=$("llvm-config-$llvm" --libdir 2>/dev/null || echo "/usr/lib/llvm-$llvm/lib")
	export LIBCLANG_PATH
}

# Newest unpacked source: a 7.3 before any 7.2, whatever its point release, unless RURING_SERIES says which.
find_source() {
	local newest
	newest=$(find "$cache/src" -mindepth 2 -maxdepth 2 -path "*/linux-${RURING_SERIES:-}*" -name .complete \
		-printf '%h\n' 2>/dev/null | sort -V | tail -n1)
	[ -n "$newest" ] || return 1
	source_dir=$newest
	kernel_version=${newest##*/linux-}
}

# The built tests of liburing: of the release wanted, else of the newest there is.
find_liburing() {
	local found
	found=$(find "$cache/liburing" -mindepth 2 -maxdepth 2 -name .complete -printf '%h\n' 2>/dev/null | sort -V)
	liburing_dir=$(grep "/$liburing_wanted-[^/]*$" <<<"$found" || tail -n1 <<<"$found")
	[ -n "$liburing_dir" ]
}

# Programs of the distribution's that use io_uring, unpacked with all that they need: a root directory.
find_others() {
	others_dir=$cache/others/root
	[ "$(cat "$others_dir/.complete" 2>/dev/null)" = "${others_wanted[*]}" ]
}

# What a kernel is made from, hashed: its directory's name changes when any of it does.
kernel_dir() {
	local name=$1 key
	fragment=$name
	# Only what a module is built with, of the release kernel: enough to see whether it builds.
	[ "$name" != headers ] || fragment=release
	key=$({
		cat "$root/qemu/common.config" "$root/qemu/$fragment.config"
		echo "$kernel_version" "$rust_text" "$clang_text" "$bindgen_version"
	} | sha256sum | cut -c1-12)
	kdir=$cache/kernel/$name-$kernel_version-$key
}
