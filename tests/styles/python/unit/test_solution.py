# SPDX-License-Identifier: Apache-2.0
import unittest, math
from unittest import mock, TestCase
from solution import *
class Base(TestCase):
    def assertPositive(self,x): self.assertGreater(x,0)
    def setUp(self): self.x=1; self.addTypeEqualityFunc(V,self.cmp)
    def cmp(self,a,b,msg=None):
        if (a.x,a.y)!=(b.x,b.y): raise self.failureException("x")
class A(Base):
    maxDiff=None
    longMessage=True
    @classmethod
    def setUpClass(cls): cls.k=5
    def test_a(self):
        self.assertPositive(add(1,1)); self.assertEqual(V(1),V(1)); self.assertAlmostEqual(div(1,3),0.33333333); self.assertAlmostEqual(Decimal("1.1"),Decimal("1.1"))
        self.assertIn(1,[1,2]); self.assertCountEqual([1,2],[2,1]); self.assertRaises(TypeError,add,1,"a")
        with self.assertRaises(ZeroDivisionError) as c: div(1,0)
        with self.assertRaisesRegex(ZeroDivisionError,"div"): div(1,0)
        with self.assertLogs() as l:
            import logging; logging.error("x")
    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i): self.assertLess(i,3)
    def test_mock(self):
        m=mock.Mock(return_value=3); self.assertEqual(m(1),3); m.assert_called_once_with(1)
        self.assertEqual({"a":mock.ANY},{"a":1})
        with mock.patch("builtins.print") as p: print("x"); p.assert_called_once_with("x")
    def assertEqual(self,a,b,msg=None): super().assertEqual(a,b,msg)
    @unittest.skip("x")
    def test_s(self): pass
    @unittest.expectedFailure
    def test_ef(self): self.fail()
    def test_round(self): self.assertEqual(round(2.567,1),2.6); self.assertTrue(all(x>0 for x in [1])); self.assertIsInstance(3,int)
    def test_seq(self): self.assertEqual([V(1),2],[V(1),2]); self.assertDictEqual({"a":1},{"a":1})
class B(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self): self.q=1
    async def test_a(self): self.assertEqual(await aadd(1,2),3)
class Mixin:
    def test_m(self): self.assertEqual(self.mk(),2)
class C(Mixin,TestCase):
    def mk(self): return add(1,1)
if __name__=="__main__": unittest.main()
