setup_file() {
	STORE=$(mktemp)
	export STORE
}

teardown_file() {
	rm -f "$STORE"
}

setup() {
	: >"$STORE"
	bash solution.sh set a 1
}

@test "get" {
	[ "$(bash solution.sh get a)" = 1 ]
}

@test "last value counts" {
	bash solution.sh set a 2
	[ "$(bash solution.sh get a)" = 2 ]
}

@test "delete" {
	bash solution.sh set aa 5
	bash solution.sh del a
	[ "$(bash solution.sh get aa)" = 5 ]
}

@test "usage" {
	run bash solution.sh
	echo "# status $status" >&3
	[ "$status" -eq 64 ]
}

@test "exits" {
	exit 3
}

@test "command not found" {
	no_such_command
}

@test "skipped" {
	skip
}

@test "skipped with a reason" {
	skip "no locking yet"
}
