#!/bin/bash
# Insertion sort of numbers, descending with -r.
reverse=
[ "${1-}" = -r ] && reverse=1 && shift

sorted=()
for item in "$@"; do
	at=${#sorted[@]}
	while ((at > 0)); do
		before=${sorted[at - 1]}
		if [[ $reverse ]]; then
			((before >= item)) && break
		else
			((before <= item)) && break
		fi
		sorted[at]=$before
		at=$((at - 1))
	done
	sorted[at]=$item
done
echo "${sorted[*]}"
