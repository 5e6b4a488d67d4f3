setup() {
	source ./solution.sh
}

@test "gcd" {
	[ "$(gcd 84 36)" -eq 12 ]
}

@test "gcd with zero" {
	run gcd 5 0
	[ "$output" = 5 ]
}

@test "power" {
	[ "$(power 3 13)" -eq 1594323 ]
	[ "$(power 7 0)" -eq 1 ]
}

@test "bases" {
	[ "$(to_base 255 16)" = ff ]
	[ "$(to_base 10 2)" = 1010 ]
}

@test "zero in any base" {
	[ "$(to_base 0 7)" = 0 ]
}

@test "percent rounds" {
	[ "$(percent 2 3)" = "67%" ]
}
