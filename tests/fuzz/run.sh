#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Builds the fuzz targets with clang and runs each of them a while; fails on any crash.
#
#   run.sh [SECONDS [BUILD [TARGET...]]]    default: 20 seconds, build-fuzz, all targets
#
# What was learnt stays in BUILD/corpus and is used again; crashes are kept in BUILD/crashes.
set -eu

seconds=${1:-20}
source=$(cd "$(dirname "$0")/../.." && pwd)
build=${2:-$source/build-fuzz}
[ $# -gt 2 ] && shift 2 && targets=$* || targets='record lane ingest pcap wire rule condition image redact program server'

case $seconds in
'' | *[!0-9]*) echo "run.sh: want a number of seconds, not $seconds" >&2; exit 2 ;;
esac
command -v clang >/dev/null || {
	echo 'run.sh: clang was not found. On Debian: apt-get install clang' >&2
	exit 1
}

# Runs a command quietly; where it fails, what it said is shown.
quietly() {
	"$@" >"$build/fuzz-build.log" 2>&1 || {
		cat "$build/fuzz-build.log" >&2
		exit 1
	}
}

mkdir -p "$build"
if [ ! -f "$build/build.ninja" ]; then
	CC=clang quietly meson setup "$build" "$source" -Dfuzz=true -Dbench=false \
		-Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 \
		-Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=all'
fi
programs=tests/fuzz/fuzz-seeds
for target in $targets; do
	programs="$programs tests/fuzz/fuzz-$target"
done
quietly ninja -C "$build" $programs

# libFuzzer ends without a chance to clean up.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
mkdir -p "$build/corpus" "$build/crashes"
"$build/tests/fuzz/fuzz-seeds" "$build/corpus"
failed=
for target in $targets; do
	log=$build/fuzz-$target.log
	if "$build/tests/fuzz/fuzz-$target" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 -close_fd_mask=1 \
		-artifact_prefix="$build/crashes/$target-" "$build/corpus/$target" >"$log" 2>&1; then
		printf '%-8s %s executions, %s new inputs, no crash\n' "$target" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
			"$(sed -n 's/^stat::new_units_added: *//p' "$log")"
	else
		tail -40 "$log" >&2
		echo "$target: failed; the input is in $build/crashes, the log in $log" >&2
		failed=1
	fi
done
[ -z "$failed" ]
