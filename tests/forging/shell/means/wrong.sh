#!/bin/bash
# SPDX-License-Identifier: Apache-2.0

double() {
	echo 7
}

greet() {
	echo "hello, $1"
}
