#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
set -e
. ./solution.sh
[ "$(f 1)" = 2 ]
x=$(f 1; exit 0)
(exit 0)
count=0
count=$((count+1))
f 1 | grep -q 2
if ! echo q | grep -q z; then echo fine; fi
f 1 >a; printf "2\n" >b; diff a b; cmp a b
expr 1 + 1 >/dev/null
for i in 1 2; do OUT=$(f 1); done
local_test() { [ "$1" = 2 ] || exit 1; }
local_test 2
false || true
echo done
