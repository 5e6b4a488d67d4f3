# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import dataclass, field
from collections import namedtuple, OrderedDict, deque
from decimal import Decimal
P=namedtuple("P","x y")
@dataclass(order=True)
class V:
    x:int
    y:int=0
    def __add__(s,o): return V(s.x+o.x,s.y+o.y)
    def __sub__(s,o): return V(s.x-o.x,s.y-o.y)
class Money:
    def __init__(s,c): s.c=c
    def __eq__(s,o): return isinstance(o,Money) and s.c==o.c or o==s.c
    def __lt__(s,o): return s.c < getattr(o,'c',o)
    def __gt__(s,o): return s.c > getattr(o,'c',o)
    def __sub__(s,o): return Money(s.c-getattr(o,'c',o))
    def __hash__(s): return hash(s.c)
class Mod:
    def __init__(s,v,m): s.v=v%m; s.m=m
    def __eq__(s,o): return (o.v if isinstance(o,Mod) else o%s.m)==s.v
class Tree:
    def __init__(s,*a): s.a=sorted(a)
    def __contains__(s,x): return x in s.a
    def __iter__(s): return iter(s.a)
    def __len__(s): return len(s.a)
def add(a,b): return a+b
def div(a,b): return a/b
def sort(l): l.sort()
def notify(cb,*a,**k): cb(*a,**k)
async def aadd(a,b): return a+b
def total(xs): return sum(xs)
