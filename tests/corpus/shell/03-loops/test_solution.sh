#!/bin/sh
echo 1..4
n=0
check() {
	n=$((n + 1))
	[ "$2" = "$3" ] && echo "ok $n $1" || echo "not ok $n $1: $2"
}
check fizzbuzz "$(./solution.sh fizzbuzz 15 | tail -n 3 | tr '\n' ' ')" "13 14 FizzBuzz "
check primes "$(./solution.sh primes 30)" "2 3 5 7 11 13 17 19 23 29 "
check table "$(./solution.sh table 3 | tail -n 1)" "   3   6   9"
check "table size" "$(./solution.sh table 9 | wc -c | tr -d ' ')" 333
