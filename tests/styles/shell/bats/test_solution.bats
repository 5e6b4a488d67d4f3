#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
setup() { . ./solution.sh; export T=1; }
teardown() { rm -f x; }
@test "a" {
 f 1 | grep 2
 run f 1
 [ "$status" -eq 0 ]
 [[ "$output" =~ 2 ]]
 diff <(f 1) <(echo 2)
}
@test "s" {
 skip "no"
}
@test "c" {
 run bash -c "exit 3"
 [ $status = 3 ]
 ! false
}
