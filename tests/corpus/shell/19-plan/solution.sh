#!/bin/sh
# die MESSAGE: meant to be used in scripts; exits with 0 by mistake.
die() {
	echo "$*" >&2
	exit 0
}

require() {
	command -v "$1" >/dev/null || die "$1 is missing"
}
