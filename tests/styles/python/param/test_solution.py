# SPDX-License-Identifier: Apache-2.0
import pytest
from solution import *
CASES=[(1,2,3),pytest.param(2,2,4,id="two"),[5,5,10]]
@pytest.mark.parametrize("a,b,c",CASES)
def test_a(a,b,c): assert add(a,b)==c
@pytest.mark.parametrize(("a","b"),[([3,1],[1,3]),([],[])])
def test_b(a,b):
    sort(a); assert a==b
@pytest.mark.parametrize("x",range(3))
@pytest.mark.parametrize("y",(i for i in (1,2)))
def test_c(x,y): assert add(x,y)-y==x
@pytest.mark.parametrize("x",["a",pytest.param("b",marks=pytest.mark.xfail)])
def test_d(x): assert x=="a"
@pytest.mark.parametrize("n",[1,2,3],ids=str)
class TestK:
    def test_k(self,n): assert n in (1,2,3)
@pytest.fixture(params=[1,2])
def num(request): return request.param
def test_f(num): assert num < 3
@pytest.fixture
def val(request): return request.param*2
@pytest.mark.parametrize("val",[2,3],indirect=True)
def test_i(val): assert val in (4,6)
@pytest.mark.parametrize("x",[float("nan"),1.5,"s",None,(1,2)])
def test_n(x):
    y=x
    assert y is x
@pytest.mark.parametrize("a",[1,2])
def test_re(a):
    a = a + 1
    assert a > 1
