#!/bin/sh
# TAP; each test compares what the program prints with what it should.
number=0
failed=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

ok() { # NAME, then a command that must succeed
	name=$1
	shift
	number=$((number + 1))
	if "$@" >"$dir/why" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$dir/why"
		failed=1
	fi
}

line() { # ADDRESS REQUEST STATUS BYTES
	printf '%s - - [05/Mar/2024:10:00:00 +0000] "%s" %s %s "-" "curl"\n' \
		"$1" "$2" "$3" "$4"
}

run() { sh ./access-log.sh "$@"; }
has() { # TEXT: is it a line of the output?
	grep -qxF -- "$1" "$dir/out" || { cat "$dir/out"; return 1; }
}
has_not() {
	! grep -qF -- "$1" "$dir/out" || { cat "$dir/out"; return 1; }
}
exits() { # STATUS, then arguments
	wanted=$1
	shift
	run "$@" >"$dir/out" 2>"$dir/err" </dev/null
	[ $? -eq "$wanted" ]
}

{
	line 192.0.2.1 'GET /a?x=1 HTTP/1.1' 200 100
	line 192.0.2.1 'GET /a?x=2 HTTP/1.1' 200 50
	line 192.0.2.2 'POST /b HTTP/2.0' 404 7
	line 2001:db8::1 'GET /c HTTP/1.1' 503 -
	line 192.0.2.9 '\x16\x03\x01' 400 0
	echo 'this is no entry'
	line 192.0.2.9 'GET / HTTP/1.1' 999 1
} >"$dir/log"

echo 1..25
run "$dir/log" >"$dir/out"
ok 'requests' has 'requests: 5'
ok 'bytes' has 'bytes: 157'
ok 'what is not understood' has 'lines not understood: 2'
ok 'status 2xx' has '       2  2xx'
ok 'status 4xx' has '       2  4xx'
ok 'status 5xx' has '       1  5xx'
ok 'paths without their query' has '       2  /a'
ok 'what is no request' has '       1  (no request)'
ok 'addresses' has '       2  192.0.2.1'
ok 'IPv6' has '       1  2001:db8::1'

run - <"$dir/log" >"$dir/out"
ok 'standard input' has 'requests: 5'
run "$dir/log" "$dir/log" >"$dir/out"
ok 'several files' has 'requests: 10'
run -n 1 "$dir/log" >"$dir/out"
ok 'the first path' has '       2  /a'
ok 'and no other' has_not '/b'
run </dev/null >"$dir/out"
ok 'nothing' has 'requests: 0'

# Names of files and what clients send are data.
cp "$dir/log" "$dir/a=b"
(cd "$dir" && cp log ./-n)
run "$dir/a=b" >"$dir/out"
ok 'a file named a=b' has 'requests: 5'
here=$PWD
(cd "$dir" && sh "$here/access-log.sh" -- -n >out)
ok 'a file named -n' has 'requests: 5'
line 192.0.2.1 'GET /$(touch${IFS}'"$dir"'/owned);`id`/* HTTP/1.1' 200 1 \
	>"$dir/hostile"
run "$dir/hostile" >"$dir/out"
ok 'a path is never executed' test ! -e "$dir/owned"
ok 'nor expanded' has '       1  /$(touch${IFS}'"$dir"'/owned);`id`/*'
line 192.0.2.1 "GET /$(printf '\033')[31m HTTP/1.1" 200 1 >"$dir/hostile"
run "$dir/hostile" >"$dir/out"
ok 'terminals are safe' has '       1  /?[31m'
line 192.0.2.1 'GET /a\"b HTTP/1.1' 200 5 >"$dir/hostile"
run "$dir/hostile" >"$dir/out"
ok 'a quote in a request' has 'bytes: 5'
{ printf 'a%.0s' $(seq 20000); echo; } >"$dir/hostile"
run "$dir/hostile" >"$dir/out"
ok 'a line that is too long' has 'lines not understood: 1'

ok 'no such file' exits 1 "$dir/missing"
ok 'a folder' exits 1 "$dir"
wrong_usage() { exits 2 -n x && exits 2 -n '' && exits 2 -n 12345 && exits 2 -z; }
ok 'wrong usage' wrong_usage
exit $failed
