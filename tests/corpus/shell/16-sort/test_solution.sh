#!/bin/bash
set -eu
sorted() {
	local got
	got=$(./solution.sh "${@:2}")
	echo "$* -> $got"
	[[ $got == "$1" ]]
}
sorted "" 
sorted "5" 5
sorted "-1 0 2 2 10" 2 10 -1 2 0
sorted "10 2 2 0 -1" -r 2 10 -1 2 0
random=()
for _ in {1..60}; do random+=($((RANDOM % 100))); done
sorted "$(printf '%s\n' "${random[@]}" | sort -n | paste -s -d' ')" "${random[@]}"
