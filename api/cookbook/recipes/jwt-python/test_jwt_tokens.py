import base64
import hashlib
import hmac
import json
import unittest

from jwt_tokens import TokenError, TokenService

KEY = bytes(range(32))
OTHER = bytes(range(32, 64))


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header, claims, key=KEY, mac=None):
    """A token as somebody else would make it."""
    signed = ".".join(part if isinstance(part, str) else
                      b64(json.dumps(part).encode())
                      for part in (header, claims))
    if mac is None:
        mac = b64(hmac.new(key, signed.encode(), hashlib.sha256).digest())
    return f"{signed}.{mac}"


class Clock:
    def __init__(self):
        self.now = 1_700_000_000.0

    def __call__(self):
        return self.now


class Base(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()
        self.service = self.make()
        self.header = {"alg": "HS256", "kid": "a", "typ": "JWT"}
        now = int(self.clock.now)
        self.claims = {"sub": "u", "iss": "shop", "aud": "api", "iat": now,
                       "nbf": now, "exp": now + 60}

    def make(self, keys=None, **more):
        given = {"issuer": "shop", "audience": "api", "clock": self.clock}
        return TokenService(keys or {"a": KEY}, **{**given, **more})

    def refused(self, token, reason):
        with self.assertRaises(TokenError) as caught:
            self.service.check(token)
        self.assertIn(reason, str(caught.exception))


class Issue(Base):
    def test_round_trip(self):
        claims = self.service.check(self.service.issue("u-1", 60,
                                                       {"role": "clerk"}))
        self.assertEqual((claims["sub"], claims["role"]), ("u-1", "clerk"))
        self.assertEqual(claims["exp"] - claims["iat"], 60)

    def test_no_two_tokens_are_the_same(self):
        one, two = (self.service.issue("u", 60) for _ in range(2))
        self.assertNotEqual(self.service.check(one)["jti"],
                            self.service.check(two)["jti"])

    def test_reserved_claims_are_refused(self):
        with self.assertRaisesRegex(ValueError, "exp"):
            self.service.issue("u", 60, {"exp": 2 ** 40})

    def test_subject_and_lifetime(self):
        for subject, lifetime in (("", 60), (None, 60), ("u", 0), ("u", -1)):
            with self.subTest(subject=subject, lifetime=lifetime):
                with self.assertRaises(ValueError):
                    self.service.issue(subject, lifetime)

    def test_weak_keys_are_refused(self):
        for key in (b"short", "x" * 40, bytes(31)):
            with self.assertRaises(ValueError):
                self.make({"a": key})
        with self.assertRaises(ValueError):
            TokenService({}, "shop", "api")

    def test_issuer_and_audience_are_required(self):
        for more in ({"issuer": ""}, {"audience": ""}):
            with self.assertRaises(ValueError):
                self.make(**more)

    def test_against_a_value_made_elsewhere(self):
        # RFC 7515, appendix A.1: the same MAC over the same bytes.
        key = base64.urlsafe_b64decode(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75"
            "aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==")
        signed = ("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
                  "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6"
                  "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ")
        self.assertEqual(b64(TokenService._mac(key, signed)),
                         "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")


class Signature(Base):
    def test_a_well_made_token_passes(self):
        self.assertEqual(self.service.check(forge(self.header, self.claims)),
                         self.claims)

    def test_other_algorithms(self):
        for name in ("none", "None", "HS512", "hs256", "RS256", "", None, 1):
            with self.subTest(alg=name):
                header = {**self.header, "alg": name}
                self.refused(forge(header, self.claims), "algorithm")

    def test_no_signature_at_all(self):
        header = {**self.header, "alg": "none"}
        self.refused(forge(header, self.claims, mac=""), "three parts")

    def test_another_key(self):
        self.refused(forge(self.header, self.claims, key=OTHER), "signature")

    def test_a_changed_body(self):
        head, _, mac = forge(self.header, self.claims).split(".")
        body = b64(json.dumps({**self.claims, "sub": "root"}).encode())
        self.refused(f"{head}.{body}.{mac}", "signature")

    def test_every_byte_of_the_signature_counts(self):
        head, body, mac = forge(self.header, self.claims).split(".")
        raw = bytearray(base64.urlsafe_b64decode(mac + "="))
        for at in range(len(raw)):
            raw[at] ^= 1
            self.refused(f"{head}.{body}.{b64(bytes(raw))}", "signature")
            raw[at] ^= 1

    def test_a_cut_signature(self):
        head, body, mac = forge(self.header, self.claims).split(".")
        self.refused(f"{head}.{body}.{mac[:4]}", "signature")

    def test_unknown_key_ids(self):
        for key_id in ("b", "", None, 5, ["a"], {"a": 1}):
            with self.subTest(kid=key_id):
                header = {**self.header, "kid": key_id}
                self.refused(forge(header, self.claims), "key is unknown")

    def test_critical_extensions(self):
        header = {**self.header, "crit": ["b64"], "b64": False}
        self.refused(forge(header, self.claims), "critical")

    def test_keys_can_be_rotated(self):
        old = self.service.issue("u", 60)
        self.service = self.make({"b": OTHER, "a": KEY})
        self.assertEqual(self.service.check(old)["sub"], "u")
        new = self.service.issue("u", 60)
        self.assertEqual(self.service.check(new)["sub"], "u")
        self.service = self.make({"b": OTHER})
        self.refused(old, "key is unknown")


class Claims(Base):
    def test_expiry(self):
        token = self.service.issue("u", 60)
        self.clock.now += 60 + 29
        self.service.check(token)
        self.clock.now += 1
        self.refused(token, "expired")

    def test_expiry_is_required(self):
        del self.claims["exp"]
        self.refused(forge(self.header, self.claims), "exp is missing")

    def test_not_before(self):
        token = forge(self.header, {**self.claims,
                                    "nbf": self.clock.now + 100})
        self.refused(token, "not valid yet")
        self.clock.now += 70
        self.service.check(forge(self.header, {
            **self.claims, "nbf": self.clock.now + 30,
            "exp": self.clock.now + 60}))

    def test_issued_in_the_future(self):
        self.refused(forge(self.header, {**self.claims,
                                         "iat": self.clock.now + 31}),
                     "not valid yet")

    def test_times_are_numbers(self):
        for value in ("9999999999", None, True, [], {}):
            with self.subTest(exp=value):
                self.refused(forge(self.header, {**self.claims,
                                                 "exp": value}),
                             "not a number")

    def test_infinity_is_no_time(self):
        for text in ("Infinity", "NaN", "-Infinity"):
            body = b64(json.dumps({**self.claims, "exp": 0}).replace(
                '"exp": 0', f'"exp": {text}').encode())
            self.refused(forge(self.header, body), "not a number")

    def test_audience(self):
        for audience in ("other", ["x", "y"], [], None, 5, {"api": 1}):
            with self.subTest(aud=audience):
                self.refused(forge(self.header, {**self.claims,
                                                 "aud": audience}),
                             "audience")
        self.service.check(forge(self.header, {**self.claims,
                                               "aud": ["x", "api"]}))

    def test_issuer(self):
        self.refused(forge(self.header, {**self.claims, "iss": "evil"}),
                     "issuer")
        del self.claims["iss"]
        self.refused(forge(self.header, self.claims), "issuer")

    def test_subject(self):
        for subject in ("", None, 7):
            self.refused(forge(self.header, {**self.claims,
                                             "sub": subject}), "subject")


class Malformed(Base):
    def test_shapes(self):
        for token in ("", "a", "a.b", "a.b.c.d", "..", ".b.c", "a..c"):
            with self.subTest(token=token):
                self.refused(token, "three parts")

    def test_not_a_text_or_too_long(self):
        for token in (None, 5, b"a.b.c", "a" * 8193):
            self.refused(token, "not a text")

    def test_not_base64url(self):
        head, body, mac = forge(self.header, self.claims).split(".")
        for bad in (head + "=", head + "!", head[:-1] + "+", head + "\n",
                    "\u00e9" + head):
            with self.subTest(bad=bad):
                self.refused(f"{bad}.{body}.{mac}", "base64url")

    def test_two_spellings_of_one_signature(self):
        head, body, mac = forge(self.header, self.claims).split(".")
        alphabet = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                    "0123456789-_")
        last = alphabet[alphabet.index(mac[-1]) ^ 1]
        self.refused(f"{head}.{body}.{mac[:-1]}{last}", "canonical")

    def test_not_json(self):
        for text in ("[]", "5", "{", '{"alg":"none","alg":"HS256"}',
                     "[" * 4000):
            with self.subTest(text=text[:10]):
                with self.assertRaises(TokenError):
                    self.service.check(forge(b64(text.encode()),
                                             self.claims))


if __name__ == "__main__":
    unittest.main()
