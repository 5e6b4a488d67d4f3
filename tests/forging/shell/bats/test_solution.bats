#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

setup() {
	. ./solution.sh
}

@test "adds" {
	[ "$(add 1 2)" -eq 3 ]
	[ "$(add -5 5)" -eq 0 ]
}

@test "tells even numbers" {
	is_even 4
	run is_even 5
	[ "$status" -eq 1 ]
}

@test "joins two words" {
	run join a b
	[ "$output" = "a, b" ]
}
