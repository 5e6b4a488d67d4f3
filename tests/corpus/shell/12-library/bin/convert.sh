#!/bin/sh
# convert.sh VALUE FROM TO: lengths, by a table.
here=$(dirname "$0")
. "$here/../lib/table.sh"

from=$(factor_of "$2") || exit 3
to=$(factor_of "$3") || exit 3
echo "$(($1 * from / to))"
