# SPDX-License-Identifier: Apache-2.0
import doctest
import solution
def test_doc():
    r=doctest.testmod(solution); assert r.failed==0 and r.attempted>0
