#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# D10: the least that a job can be.
:
