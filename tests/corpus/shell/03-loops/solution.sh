#!/bin/sh
# FizzBuzz, primes, powers, a multiplication table.

fizzbuzz() {
	i=1
	while [ $i -le "$1" ]; do
		case $((i % 3)),$((i % 5)) in
		0,0) echo FizzBuzz ;;
		0,*) echo Fizz ;;
		*,0) echo Buzz ;;
		*) echo $i ;;
		esac
		i=$((i + 1))
	done
}

primes() {
	for n in $(seq 2 "$1"); do
		d=2
		while [ $((d * d)) -le "$n" ]; do
			[ $((n % d)) -eq 0 ] && continue 2
			d=$((d + 1))
		done
		printf '%s ' "$n"
	done
	echo
}

table() {
	for row in $(seq 1 "$1"); do
		for column in $(seq 1 "$1"); do
			printf '%4d' $((row * column))
		done
		echo
	done
}

"$@"
