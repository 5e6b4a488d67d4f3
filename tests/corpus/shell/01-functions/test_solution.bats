#!/usr/bin/env bats

setup() {
	. ./solution.sh
}

@test "upper" {
	run upper "hello world"
	[ "$status" -eq 0 ]
	[ "$output" = "HELLO WORLD" ]
}

@test "repeat" {
	[ "$(repeat ab 3)" = ababab ]
	[ -z "$(repeat ab 0)" ]
}

@test "trim" {
	[ "$(trim "   a  b	 ")" = "a  b" ]
}

@test "join" {
	[ "$(join_by , a b "c d")" = "a,b,c d" ]
}

@test "join nothing" {
	[ -z "$(join_by ,)" ]
}

@test "contains" {
	contains abcdef cd
	run contains abcdef "*"
	[ "$status" -eq 1 ]
}
