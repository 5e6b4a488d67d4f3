#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
source ./solution.sh
PATH=$PATH:/x
IFS=,
[[ $(f 1) == 2 ]] || exit 1
trap "echo bye" EXIT
exit 0
