#!/bin/bash
. ./solution.sh
echo 1..4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run_all "echo a >$work/1" "echo b >$work/2" "echo c >$work/3"
[ "$(cat "$work"/[123] | tr -d '\n')" = abc ] && echo "ok 1 - all ran" || echo "not ok 1"

run_all "exit 1" true "exit 5"
[ $? -eq 2 ] && echo "ok 2 - failures are counted" || echo "not ok 2"

with_timeout 0.2 sleep 30
[ $? -eq 124 ] && echo "ok 3 - timeout" || echo "not ok 3"

with_timeout 20 sh -c 'exit 7'
[ $? -eq 7 ] && echo "ok 4 - in time" || echo "not ok 4"
