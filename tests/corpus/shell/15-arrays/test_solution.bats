setup() {
	source ./solution.sh
}

@test "stack" {
	push a "b c"
	pop
	[ "$POPPED" = "b c" ]
	[ "${#STACK[@]}" -eq 1 ]
}

@test "empty stack" {
	run pop
	[ "$status" -eq 1 ]
}

@test "set" {
	skip "associative arrays are local to setup in bats"
	add x
}

@test "words" {
	run count_words "b a B"
	[ "$output" = "a 1
b 2" ]
}

@test "reverse" {
	run reverse 1 2 3
	[ "${lines[*]}" = "3 2 1" ]
}

@test "sorted stack" {
	[ -n "${SORTED_STACK-}" ] || skip
	false
}
