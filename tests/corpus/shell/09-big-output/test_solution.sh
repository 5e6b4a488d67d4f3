#!/bin/sh
set -e
[ "$(sh solution.sh 3 | wc -l)" -eq 3 ]
sh solution.sh 8000
sh solution.sh 1000 >&2
