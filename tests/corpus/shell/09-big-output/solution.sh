#!/bin/sh
# Numbered lines.
seq 1 "${1:-10}" | while read -r n; do
	echo "line $n of ${1:-10} ........................................"
done
