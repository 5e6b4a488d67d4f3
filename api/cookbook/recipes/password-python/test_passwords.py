import base64
import hashlib
import unittest

import passwords
from passwords import (InvalidHash, hash_password, needs_rehash,
                       verify_password)


def b64(data):
    return base64.b64encode(data).rstrip(b"=").decode()


def cheap_scrypt(password, n=2, r=1, p=1, salt=b"saltsaltsaltsalt"):
    digest = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, dklen=32)
    return f"$scrypt$n={n},r={r},p={p}${b64(salt)}${b64(digest)}"


def cheap_pbkdf2(password, i=10, salt=b"saltsaltsaltsalt"):
    digest = hashlib.pbkdf2_hmac("sha256", password, salt, i, 32)
    return f"$pbkdf2-sha256$i={i}${b64(salt)}${b64(digest)}"


class Hashing(unittest.TestCase):
    def test_round_trip(self):
        stored = hash_password("correct horse")
        self.assertTrue(verify_password("correct horse", stored))
        self.assertFalse(verify_password("Correct horse", stored))

    def test_form_and_costs(self):
        self.assertRegex(hash_password("x"),
                         r"^\$scrypt\$n=16384,r=8,p=5\$[^$]{22}\$[^$]{43}$")

    def test_same_password_other_salt(self):
        self.assertNotEqual(hash_password("x"), hash_password("x"))

    def test_pbkdf2(self):
        stored = hash_password("x y", "pbkdf2-sha256")
        self.assertTrue(stored.startswith("$pbkdf2-sha256$i=600000$"))
        self.assertTrue(verify_password("x y", stored))
        self.assertFalse(verify_password("x  y", stored))

    def test_unknown_algorithm(self):
        for name in ("md5", "sha256", "", None):
            with self.assertRaises(ValueError):
                hash_password("x", name)


class Verifying(unittest.TestCase):
    def test_against_the_library(self):
        self.assertTrue(verify_password("pw", cheap_scrypt(b"pw")))
        self.assertTrue(verify_password("pw", cheap_pbkdf2(b"pw")))
        self.assertFalse(verify_password("pv", cheap_scrypt(b"pw")))
        self.assertFalse(verify_password("pv", cheap_pbkdf2(b"pw")))

    def test_vector_of_rfc_7914(self):
        # Section 12: "Please...", "SodiumChloride", N=16384, r=8, p=1.
        digest = bytes.fromhex(
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2")
        stored = ("$scrypt$n=16384,r=8,p=1$" + b64(b"SodiumChloride") + "$"
                  + b64(digest))
        self.assertTrue(verify_password("pleaseletmein", stored))

    def test_two_spellings_of_one_character(self):
        stored = cheap_scrypt("caf\u00e9".encode())
        self.assertTrue(verify_password("cafe\u0301", stored))
        self.assertTrue(verify_password("caf\u00e9", stored))

    def test_any_character(self):
        text = "\u65e5\u672c \U0001f600\x00tab\t"
        self.assertTrue(verify_password(text, cheap_scrypt(text.encode())))

    def test_empty_and_long(self):
        stored = cheap_scrypt(b"x")
        self.assertFalse(verify_password("", stored))
        self.assertFalse(verify_password("x" * 1025, stored))
        for text in ("", "x" * 1025):
            with self.assertRaises(ValueError):
                hash_password(text)

    def test_only_texts(self):
        for value in (b"x", None, 5):
            with self.assertRaises(TypeError):
                verify_password(value, cheap_scrypt(b"x"))
            with self.assertRaises(TypeError):
                hash_password(value)


class Stored(unittest.TestCase):
    def invalid(self, *texts):
        for text in texts:
            with self.subTest(stored=text):
                with self.assertRaises(InvalidHash):
                    verify_password("x", text)

    def test_not_a_hash(self):
        self.invalid("", "x", None, 5, "$", "$$$$", "plain",
                     "$2b$12$abcdefghijklmnopqrstuv",
                     cheap_scrypt(b"x") + "\n", " " + cheap_scrypt(b"x"))

    def test_costs_that_would_stall_us(self):
        salt, digest = b64(bytes(16)), b64(bytes(32))
        self.invalid(f"$scrypt$n=1048576,r=8,p=1${salt}${digest}",
                     f"$scrypt$n=2,r=900000,p=1${salt}${digest}",
                     f"$scrypt$n=2,r=1,p=17${salt}${digest}",
                     f"$pbkdf2-sha256$i=10000001${salt}${digest}")

    def test_costs_that_make_no_sense(self):
        salt, digest = b64(bytes(16)), b64(bytes(32))
        for costs in ("n=3,r=1,p=1", "n=1,r=1,p=1", "n=0,r=1,p=1",
                      "n=2,r=0,p=1", "n=2,r=1", "r=1,n=2,p=1", "n=2,n=2,p=1",
                      "n=02,r=1,p=1", "i=10", "n=2,r=1,p=1,x=1"):
            self.invalid(f"$scrypt${costs}${salt}${digest}")
        self.invalid(f"$pbkdf2-sha256$i=0${salt}${digest}")

    def test_salt_and_hash(self):
        head = "$scrypt$n=2,r=1,p=1$"
        self.invalid(head + b64(bytes(7)) + "$" + b64(bytes(32)),
                     head + b64(bytes(16)) + "$" + b64(bytes(31)),
                     head + b64(bytes(16)) + "$" + b64(bytes(33)),
                     head + "A$" + b64(bytes(32)))

    def test_the_comparison_is_the_librarys(self):
        calls = []
        real = passwords.hmac.compare_digest
        passwords.hmac.compare_digest = lambda a, b: (calls.append(1),
                                                      real(a, b))[1]
        try:
            verify_password("x", cheap_scrypt(b"x"))
        finally:
            passwords.hmac.compare_digest = real
        self.assertEqual(calls, [1])


class Renewal(unittest.TestCase):
    def test_todays_need_none(self):
        self.assertFalse(needs_rehash(hash_password("x")))

    def test_older_costs_and_algorithms(self):
        self.assertTrue(needs_rehash(cheap_scrypt(b"x")))
        self.assertTrue(needs_rehash(cheap_pbkdf2(b"x")))
        self.assertTrue(needs_rehash(hash_password("x"), "pbkdf2-sha256"))

    def test_a_damaged_one_is_an_error(self):
        with self.assertRaises(InvalidHash):
            needs_rehash("plain")


if __name__ == "__main__":
    unittest.main()
