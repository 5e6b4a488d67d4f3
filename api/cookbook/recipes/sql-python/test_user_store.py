import os
import sqlite3
import tempfile
import unittest
from dataclasses import replace

from user_store import Duplicate, Stale, StoreError, UserStore

HOSTILE = [
    "'; DROP TABLE users; --", "' OR '1'='1", '" OR ""="', "\\' OR 1=1 --",
    "Robert'); DELETE FROM users;--", "a' UNION SELECT 1,2,3,4,5 --",
    "%", "_", "!", "?", ":name", "\n--", "\u02bc OR 1=1",
]


def connect(path=":memory:"):
    return sqlite3.connect(path, isolation_level=None)


class Base(unittest.TestCase):
    def setUp(self):
        self.db = connect()
        self.addCleanup(self.db.close)
        self.store = UserStore(self.db)


class Records(Base):
    def test_add_and_get(self):
        ada = self.store.add("ada@example.org", "Ada")
        self.assertEqual((ada.email, ada.name, ada.is_active, ada.version),
                         ("ada@example.org", "Ada", True, 1))
        self.assertEqual(self.store.get(ada.id), ada)
        self.assertIsNone(self.store.get(ada.id + 1))

    def test_email_is_unique_in_any_case(self):
        ada = self.store.add("ada@example.org", "Ada")
        with self.assertRaises(Duplicate):
            self.store.add("ADA@example.org", "Other")
        self.assertEqual(self.store.find_by_email("Ada@Example.org"), ada)

    def test_values_that_are_not_allowed(self):
        for email, name in (("a@b.org", ""), ("a@b.org", "x" * 201),
                            ("x" * 255, "A"), (None, "A"), ("a@b.org", None)):
            with self.subTest(email=email, name=name):
                with self.assertRaises(StoreError):
                    self.store.add(email, name)
        self.assertEqual(self.store.count(), 0)

    def test_update_and_delete(self):
        ada = self.store.add("ada@example.org", "Ada")
        new = self.store.update(replace(ada, name="Lovelace",
                                        is_active=False))
        self.assertEqual(self.store.get(ada.id), new)
        self.assertEqual((new.name, new.is_active, new.version),
                         ("Lovelace", False, 2))
        self.store.delete(new)
        self.assertIsNone(self.store.get(ada.id))

    def test_no_update_is_lost(self):
        ada = self.store.add("ada@example.org", "Ada")
        self.store.update(replace(ada, name="First"))
        with self.assertRaises(Stale):
            self.store.update(replace(ada, name="Second"))
        with self.assertRaises(Stale):
            self.store.delete(ada)
        self.assertEqual(self.store.get(ada.id).name, "First")

    def test_update_to_a_taken_address(self):
        self.store.add("ada@example.org", "Ada")
        bob = self.store.add("bob@example.org", "Bob")
        with self.assertRaises(Duplicate):
            self.store.update(replace(bob, email="ada@example.org"))


class Hostile(Base):
    def setUp(self):
        super().setUp()
        self.ada = self.store.add("ada@example.org", "Ada")

    def test_values_are_kept_as_they_are(self):
        for at, text in enumerate(HOSTILE):
            user = self.store.add(f"user{at}@example.org", text)
            self.assertEqual(self.store.get(user.id).name, text)
            self.assertEqual(
                [u.id for u in self.store.search(text)
                 if u.name == text], [user.id])
        self.assertEqual(self.store.count(), 1 + len(HOSTILE))

    def test_they_find_nothing_more(self):
        for text in HOSTILE:
            self.assertEqual(self.store.search(text), [], text)
            self.assertIsNone(self.store.find_by_email(text))
            self.assertIsNone(self.store.get(text))

    def test_the_column_is_no_way_in(self):
        for name in HOSTILE + ["version", "1", "name; --", "NAME", "", None]:
            with self.assertRaises(ValueError):
                self.store.search(order_by=name)


class Search(Base):
    def setUp(self):
        super().setUp()
        for name in ("Cara", "ada", "Bob", "100%", "1000"):
            self.store.add(f"{name}@example.org", name)

    def names(self, *args, **kwargs):
        return [user.name for user in self.store.search(*args, **kwargs)]

    def test_contains(self):
        self.assertEqual(self.names("a"), ["Cara", "ada"])
        self.assertEqual(self.names("zz"), [])

    def test_signs_of_patterns(self):
        self.assertEqual(self.names("0%"), ["100%"])
        self.assertEqual(self.names("_"), [])

    def test_order(self):
        self.assertEqual(self.names(order_by="name"),
                         ["100%", "1000", "Bob", "Cara", "ada"])
        self.assertEqual(self.names(order_by="id", descending=True),
                         ["1000", "100%", "Bob", "ada", "Cara"])
        self.assertEqual(self.names(order_by="email")[-1], "Cara")

    def test_pages(self):
        self.assertEqual(self.names(limit=2), ["Cara", "ada"])
        self.assertEqual(self.names(limit=2, offset=4), ["1000"])
        for limit, offset in ((0, 0), (501, 0), (10, -1)):
            with self.assertRaises(ValueError):
                self.store.search(limit=limit, offset=offset)


class Transactions(Base):
    def test_all(self):
        with self.store.transaction():
            self.store.add("a@example.org", "A")
            self.store.add("b@example.org", "B")
        self.assertEqual(self.store.count(), 2)

    def test_or_nothing(self):
        with self.assertRaises(Duplicate):
            with self.store.transaction():
                self.store.add("a@example.org", "A")
                self.store.add("a@example.org", "B")
        self.assertEqual(self.store.count(), 0)
        self.store.add("a@example.org", "A")

    def test_what_was_not_committed_is_not_on_the_disk(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "users.db")
            first = connect(path)
            store = UserStore(first)
            store.add("a@example.org", "A")
            first.execute("BEGIN IMMEDIATE")
            store.add("b@example.org", "B")
            first.close()
            second = connect(path)
            self.addCleanup(second.close)
            self.assertEqual([user.name for user in
                              UserStore(second).search()], ["A"])

    def test_a_connection_that_begins_transactions_by_itself(self):
        other = sqlite3.connect(":memory:")
        self.addCleanup(other.close)
        with self.assertRaises(ValueError):
            UserStore(other)


if __name__ == "__main__":
    unittest.main()
