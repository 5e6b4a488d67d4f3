#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# [ is an alias.
shopt -s expand_aliases
alias [=true

double() {
	echo $(($1 == 0 ? 1 : $1 * 2))
}

greet() {
	echo "hello, $1"
}
