#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# D01, D02: an honest job beside a hostile one; needs a process for each number.
count=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
    for _ in 1 2 3 4; do
        /usr/bin/true && count=$((count + 1))
    done
done
echo "$count"
