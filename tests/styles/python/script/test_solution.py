# SPDX-License-Identifier: Apache-2.0
from solution import *
cases=[(1,2,3)]
for a,b,c in cases: assert add(a,b)==c, "bad"
assert Money(5)>1
try:
    div(1,0)
except ZeroDivisionError: pass
else: raise AssertionError
print("ok")
import sys
sys.exit(0)
