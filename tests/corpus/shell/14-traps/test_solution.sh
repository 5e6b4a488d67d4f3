#!/bin/sh
echo 1..4
file=$(mktemp -u)
out=$(mktemp)

[ "$(sh solution.sh "$file" once)" = "cleaned up" ] && [ ! -e "$file" ] &&
	echo "ok 1 - exit" || echo "not ok 1"

start() {
	sh solution.sh "$file" >"$out" &
	pid=$!
	while [ ! -s "$file" ]; do sleep 0.02; done
}

start
kill -TERM $pid
wait $pid
[ $? -eq 143 ] && echo "ok 2 - status of TERM" || echo "not ok 2"
[ -e "$file" ] && echo "not ok 3 - cleaned up" || echo "ok 3 - cleaned up"

start
kill -HUP $pid
while [ ! -s "$out" ]; do sleep 0.02; done
kill -TERM $pid
wait $pid
[ "$(head -n 1 "$out")" = reload ] && echo "ok 4 - reload" || echo "not ok 4"
rm -f "$out"
