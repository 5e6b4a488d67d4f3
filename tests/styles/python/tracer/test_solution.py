# SPDX-License-Identifier: Apache-2.0
import sys
from solution import Tracer
def g(x): return x+1
def test_a():
    with Tracer() as t: g(1)
    assert "g" in t.calls
