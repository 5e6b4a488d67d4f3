#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
set -u
f() { echo 2; }
