#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
n=0
failures=0

is() {
	n=$((n + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $n - $3"
	else
		echo "not ok $n - $3"
		failures=$((failures + 1))
	fi
}

echo 1..2
is "$(./solution.sh 1 2)" 3 "adds"
is "$(./solution.sh -5 5)" 0 "adds to nothing"
