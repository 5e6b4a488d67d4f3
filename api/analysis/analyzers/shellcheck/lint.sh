#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ShellCheck on one file, and what it prints as JSON.  It obeys comments in the
# script that turn its checks off and has no option not to: it is given the
# script with those comments misspelt, line for line and column for column.
# Usage: lint.sh FILE.
LC_ALL=C sed -E \
	's/#([[:space:]]*)shellcheck([[:space:]][^#]*disable=)/#\1ShellCheck\2/g' \
	"./$1" | /usr/bin/shellcheck --norc --format=json1 -
