#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

setup() {
	. ./solution.sh
}

same() {
	if [ "$1" != "$2" ]; then
		echo "got '$1', wanted '$2'"
		return 1
	fi
}

@test "adds" {
	same "$(add 1 2)" 3
	same "$(add -5 5)" 0
}

@test "tells even numbers" {
	is_even 4
	run is_even 5
	same "$status" 1
}

@test "joins two words" {
	run join a b
	same "$output" "a, b"
}
