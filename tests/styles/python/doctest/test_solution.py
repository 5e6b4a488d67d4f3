# SPDX-License-Identifier: Apache-2.0
import doctest, unittest
import solution
def load_tests(loader,tests,ignore):
    tests.addTests(doctest.DocTestSuite(solution)); return tests
class A(unittest.TestCase):
    def test_a(self): self.assertEqual(1,1)
