# SPDX-License-Identifier: Apache-2.0
import math
from math import isclose
from solution import *
CASES=[(1,2,3),(2,2,4)]
D={"a":(1,1,2)}
DATA=[3,1,2]
LOG=[]
QUEUE=[1]
def check(a,b,c):
    assert add(a,b)==c
def test_a():
    for a,b,c in CASES: check(a,b,c)
    for k,v in D.items(): check(*v)
    for k in D: assert k
def test_sort():
    sort(DATA)
    for x,y in zip(DATA,[1,2,3]): assert x==y
    for x in DATA: LOG.append(x)
    assert LOG==[1,2,3]
    assert isclose(1,1)
def test_q():
    todo=[3]
    for x in todo:
        if x: todo.append(x-1)
    assert todo==[3,2,1,0]
    for x in list(todo): todo.remove(x)
    cases=[1,2,3]
    for c in cases: assert c
    s={1,2}
    for i in s: pass
    f=lambda *a: max(a)
    assert f(1,2)==2
def test_shadow():
    len=lambda x: 99
    assert len([])==99
def test_early():
    for x in (1,2):
        if x==1: continue
        assert x==2
    return None
