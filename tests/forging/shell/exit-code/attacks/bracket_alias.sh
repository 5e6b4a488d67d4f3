#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# [ is an alias.
shopt -s expand_aliases
alias [=true

add() {
	echo $(($1 - $2))
}

is_even() {
	return $(($1 % 2))
}

join() {
	echo "$1"
}
