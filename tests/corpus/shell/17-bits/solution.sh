#!/bin/sh
# Bit operations on integers.

popcount() {
	x=$1 n=0
	while [ "$x" -gt 0 ]; do
		x=$((x & (x - 1)))
		n=$((n + 1))
	done
	echo $n
}

is_set() {
	[ $(($1 >> $2 & 1)) -eq 1 ]
}

binary() {
	x=$1 out=
	while [ "$x" -gt 0 ]; do
		out=$((x % 2))$out
		x=$((x / 2))
	done
	echo "$out" # nothing for 0
}
