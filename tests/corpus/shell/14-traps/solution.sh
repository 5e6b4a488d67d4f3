#!/bin/sh
# worker.sh FILE: writes "working", removes FILE when it is told to stop.
file=$1
cleanup() {
	rm -f "$file"
	echo "cleaned up"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'echo reload' HUP
echo working >"$file"
[ "${2-}" = once ] && exit 0
i=0
while [ $i -lt 100 ]; do
	sleep 0.05
	i=$((i + 1))
done
