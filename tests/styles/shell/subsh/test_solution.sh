#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -e
out=$(./solution.sh)
[ "$out" = hi ] || { echo bad; exit 1; }
cd /tmp
echo "$out" | grep hi
