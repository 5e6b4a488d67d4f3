#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
set -e
. ./solution.sh

failures=0

check() {
	if [ "$1" != "$2" ]; then
		echo "$1 instead of $2"
		failures=$((failures + 1))
	fi
}

check "$(double 4)" 8
[ "$(double 0)" = 0 ]
greet you | grep -q "hello, you"
greet you >seen
printf 'hello, you\n' >wanted
diff seen wanted
double 3 | grep -q '^6$' || exit 1
exit $failures
