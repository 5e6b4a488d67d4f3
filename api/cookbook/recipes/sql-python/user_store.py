"""User records in SQLite, with parameters throughout.

    store = UserStore(sqlite3.connect("users.db", isolation_level=None))
    ada = store.add("ada@example.org", "Ada")
    store.search("ad", order_by="name", descending=False, limit=20)

No value is ever part of a statement's text.  What cannot be a parameter, the
column to sort by, is looked up in a fixed table.
"""

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, replace

LIMIT_MAX = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (length(email) <= 254),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    version INTEGER NOT NULL DEFAULT 1
) STRICT
"""

_SELECT = "SELECT id, email, name, is_active, version FROM users"

# (column, descending): the whole statement, so that nothing is put together.
_SEARCH = {
    ("id", False): _SELECT + " WHERE name LIKE ? ESCAPE '!'"
                             " ORDER BY id LIMIT ? OFFSET ?",
    ("id", True): _SELECT + " WHERE name LIKE ? ESCAPE '!'"
                            " ORDER BY id DESC LIMIT ? OFFSET ?",
    ("name", False): _SELECT + " WHERE name LIKE ? ESCAPE '!'"
                               " ORDER BY name, id LIMIT ? OFFSET ?",
    ("name", True): _SELECT + " WHERE name LIKE ? ESCAPE '!'"
                              " ORDER BY name DESC, id LIMIT ? OFFSET ?",
    ("email", False): _SELECT + " WHERE name LIKE ? ESCAPE '!'"
                                " ORDER BY email LIMIT ? OFFSET ?",
    ("email", True): _SELECT + " WHERE name LIKE ? ESCAPE '!'"
                               " ORDER BY email DESC LIMIT ? OFFSET ?",
}


class StoreError(Exception):
    pass


class Duplicate(StoreError):
    """There is a user with this e-mail address."""


class Stale(StoreError):
    """Somebody changed or removed it since it was read."""


@dataclass(frozen=True)
class User:
    id: int
    email: str
    name: str
    is_active: bool = True
    version: int = 1


def _user(row):
    return User(row[0], row[1], row[2], bool(row[3]), row[4])


def _like_pattern(text):
    """Contains exactly this text: % and _ mean themselves."""
    for sign in "!%_":
        text = text.replace(sign, "!" + sign)
    return f"%{text}%"


class UserStore:
    def __init__(self, connection):
        if connection.isolation_level is not None:
            raise ValueError("connect with isolation_level=None: this store "
                             "begins and ends its transactions itself")
        self._db = connection
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.execute(_SCHEMA)

    @contextmanager
    def transaction(self):
        """All of the block or nothing of it; they do not nest."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def add(self, email, name):
        try:
            cursor = self._db.execute(
                "INSERT INTO users (email, name) VALUES (?, ?)",
                (email, name))
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname == "SQLITE_CONSTRAINT_UNIQUE":
                raise Duplicate("the e-mail address is taken") from error
            raise StoreError("the values are not allowed") from error
        return self.get(cursor.lastrowid)

    def get(self, user_id):
        """The user, or None."""
        row = self._db.execute(_SELECT + " WHERE id = ?",
                               (user_id,)).fetchone()
        return _user(row) if row else None

    def find_by_email(self, email):
        row = self._db.execute(_SELECT + " WHERE email = ?",
                               (email,)).fetchone()
        return _user(row) if row else None

    def search(self, text="", order_by="id", descending=False, limit=50,
               offset=0):
        """Those whose name contains the text."""
        statement = _SEARCH.get((order_by, bool(descending)))
        if statement is None:
            raise ValueError("order_by: id, name or email")
        if not 1 <= limit <= LIMIT_MAX or offset < 0:
            raise ValueError(f"limit: 1 to {LIMIT_MAX}; offset: 0 or more")
        rows = self._db.execute(statement,
                                (_like_pattern(text), limit, offset))
        return [_user(row) for row in rows]

    def update(self, user):
        """Write what was changed of a user that was read; the new one."""
        try:
            cursor = self._db.execute(
                "UPDATE users SET email = ?, name = ?, is_active = ?,"
                " version = version + 1 WHERE id = ? AND version = ?",
                (user.email, user.name, int(user.is_active), user.id,
                 user.version))
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorname == "SQLITE_CONSTRAINT_UNIQUE":
                raise Duplicate("the e-mail address is taken") from error
            raise StoreError("the values are not allowed") from error
        if cursor.rowcount != 1:
            raise Stale("it was changed or removed meanwhile")
        return replace(user, version=user.version + 1)

    def delete(self, user):
        cursor = self._db.execute(
            "DELETE FROM users WHERE id = ? AND version = ?",
            (user.id, user.version))
        if cursor.rowcount != 1:
            raise Stale("it was changed or removed meanwhile")

    def count(self):
        return self._db.execute("SELECT count(*) FROM users").fetchone()[0]
