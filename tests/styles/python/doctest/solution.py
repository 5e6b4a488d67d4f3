# SPDX-License-Identifier: Apache-2.0
def add(a,b):
 """
 >>> add(1,2)
 3
 """
 return a+b
