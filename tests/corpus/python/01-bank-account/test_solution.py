import unittest
from datetime import date

from solution import Account, InsufficientFunds, transfer


class AccountTest(unittest.TestCase):
    def setUp(self):
        self.account = Account("ada")
        self.account.deposit(100_00, day=date(2024, 1, 10))

    def test_balance(self):
        self.assertEqual(self.account.balance, 10000)

    def test_withdraw(self):
        self.account.withdraw(2500)
        self.assertEqual(self.account.balance, 7500)

    def test_overdraft(self):
        with self.assertRaises(InsufficientFunds) as caught:
            self.account.withdraw(10001)
        self.assertEqual(caught.exception.available, 10000)

    def test_overdraft_allowed(self):
        self.account.overdraft = 500
        self.account.withdraw(10500)
        self.assertEqual(self.account.balance, -500)

    def test_statement(self):
        self.account.deposit(1, day=date(2024, 2, 1))
        self.assertEqual(len(self.account.statement(date(2024, 1, 20))), 1)


class TransferTest(unittest.TestCase):
    def test_transfer_is_all_or_nothing(self):
        a, b = Account("a"), Account("b")
        a.deposit(10)
        transfer(a, b, 4)
        with self.assertRaises(InsufficientFunds):
            transfer(a, b, 7)
        self.assertEqual((a.balance, b.balance), (6, 4))


if __name__ == "__main__":
    unittest.main()
