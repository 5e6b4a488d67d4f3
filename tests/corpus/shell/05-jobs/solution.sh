#!/bin/bash
# Run commands side by side; fail with the number of those that failed.

run_all() {
	local pids=() pid failed=0
	for command in "$@"; do
		sh -c "$command" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=$((failed + 1))
	done
	return "$failed"
}

# with_timeout SECONDS COMMAND...: 124 if it took too long.
with_timeout() {
	local seconds=$1 pid watcher status
	shift
	"$@" &
	pid=$!
	(sleep "$seconds" && kill -TERM "$pid") 2>/dev/null &
	watcher=$!
	wait "$pid" 2>/dev/null
	status=$?
	kill "$watcher" 2>/dev/null
	[ "$status" -eq 143 ] && return 124
	return "$status"
}
