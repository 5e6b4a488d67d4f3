#!/bin/bash
# Integer arithmetic in bash.

gcd() {
	local a=$1 b=$2
	until ((a == b)); do # never ends with 0: a counter stops it
		((++steps > 1000)) && return 1
		if ((a > b)); then ((a -= b)); else ((b -= a)); fi
	done
	echo "$a"
}

power() {
	local base=$1 exponent=$2 result=1
	while ((exponent > 0)); do
		((exponent & 1)) && ((result *= base))
		((base *= base, exponent >>= 1))
	done
	echo "$result"
}

to_base() {
	local n=$1 base=$2 digits=0123456789abcdef out=
	while ((n > 0)); do
		out=${digits:n % base:1}$out
		((n /= base))
	done
	echo "${out:-0}"
}

percent() {
	echo "$(($1 * 100 / $2))%" # cuts off instead of rounding
}
