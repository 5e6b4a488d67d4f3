@test "the file is there" {
	[ -f solution.sh ]
}

@test "negative" {
	source ./solution.sh
	[ "$(sign -5)" = -1 ]
}

@test "parses" {
	bash -n solution.sh
}
