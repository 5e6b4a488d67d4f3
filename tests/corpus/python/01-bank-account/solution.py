"""Accounts with a ledger; money is kept in cents."""
from dataclasses import dataclass, field
from datetime import date


class InsufficientFunds(Exception):
    def __init__(self, needed, available):
        super().__init__(f"needed {needed}, available {available}")
        self.needed = needed
        self.available = available


@dataclass(frozen=True)
class Entry:
    day: date
    cents: int
    text: str = ""


@dataclass
class Account:
    owner: str
    overdraft: int = 0
    entries: list = field(default_factory=list)

    @property
    def balance(self):
        return sum(entry.cents for entry in self.entries)

    def deposit(self, cents, text="deposit", day=None):
        if cents <= 0:
            raise ValueError("a deposit must be positive")
        self.entries.append(Entry(day or date.today(), cents, text))

    def withdraw(self, cents, text="withdrawal", day=None):
        if cents <= 0:
            raise ValueError("a withdrawal must be positive")
        if self.balance + self.overdraft < cents:
            raise InsufficientFunds(cents, self.balance + self.overdraft)
        self.entries.append(Entry(day or date.today(), -cents, text))

    def statement(self, since):
        return [entry for entry in self.entries if entry.day >= since]


def transfer(source, target, cents):
    source.withdraw(cents, f"to {target.owner}")
    target.deposit(cents, f"from {source.owner}")
