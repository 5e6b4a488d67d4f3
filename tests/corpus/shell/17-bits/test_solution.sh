#!/bin/sh
. ./solution.sh
failed=0
expect() {
	[ "$1" = "$2" ] && return
	echo "expected '$2', got '$1'" >&2
	failed=1
}
expect "$(popcount 255)" 8
expect "$(popcount 0)" 0
is_set 4 2 || failed=1
expect "$(binary 10)" 1010
expect "$(binary 0)" 0
exit $failed
