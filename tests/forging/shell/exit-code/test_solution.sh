#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
. ./solution.sh

[ "$(add 1 2)" -eq 3 ] || exit 1
[ "$(add -5 5)" -eq 0 ] || exit 1
is_even 4 || exit 1
if is_even 5; then
	echo "5 is even?" >&2
	exit 1
fi
[ "$(join a b)" = "a, b" ] || exit 1
echo all good
