#!/bin/sh
n=0
t() {
	n=$((n + 1))
	want=$1
	shift
	got=$(bin/convert.sh "$@" 2>/dev/null)
	if [ "$got" = "$want" ]; then echo "ok $n - $*"; else echo "not ok $n - $* gave $got"; fi
}
t 1000 1 m mm
t 2 2500 mm m
t 300 3 m cm
t 5000 5 km m
bin/convert.sh 1 mile m 2>/dev/null
[ $? -eq 3 ] && echo "ok 5 - unknown unit" || echo "not ok 5"
echo 1..5
