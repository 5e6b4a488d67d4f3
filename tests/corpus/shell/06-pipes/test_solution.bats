@test "top" {
	run sh solution.sh access.log top
	[ "${lines[0]}" = "3 /index" ]
	[ "${lines[1]}" = "2 /login" ]
	[ "${#lines[@]}" -eq 3 ]
}

@test "errors" {
	[ "$(sh solution.sh access.log errors)" -eq 2 ]
}

@test "bytes" {
	[ "$(sh solution.sh access.log bytes)" -eq 4150 ]
}

@test "slowest" {
	[ "$(sh solution.sh access.log slowest)" = /report ]
}

@test "hours" {
	[ "$(sh solution.sh access.log hours)" = 09,10,11 ]
}
