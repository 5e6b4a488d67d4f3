#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
. ./solution.sh
n=0
failures=0

is() {
	n=$((n + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $n - $3"
	else
		echo "not ok $n - $3"
		failures=1
	fi
}

echo 1..4
is "$(add 1 2)" 3 "adds"
is "$(add -5 5)" 0 "adds to nothing"
is_even 5
is $? 1 "odd"
is "$(join a b)" "a, b" "joins"
exit $failures
