"""Passwords as they may be stored.

    stored = hash_password("correct horse")          # scrypt
    verify_password("correct horse", stored)         # True
    if needs_rehash(stored): ...                     # at the next sign-in

A stored text names its algorithm and costs, so that both may be raised later:

    $scrypt$n=16384,r=8,p=5$SALT$HASH
    $pbkdf2-sha256$i=600000$SALT$HASH

with SALT and HASH in base64 without padding.  Costs are OWASP's of 2023.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata

SALT_BYTES = 16
HASH_BYTES = 32
PASSWORD_BYTES_MAX = 1024
SCRYPT = {"n": 16384, "r": 8, "p": 5}
PBKDF2 = {"i": 600_000}
# What a stored text may ask for at most: else it could be used to stall us.
SCRYPT_MEMORY_MAX = 64 * 1024 * 1024
SCRYPT_P_MAX = 16
PBKDF2_ITERATIONS_MAX = 10_000_000

_STORED = re.compile(r"\$(scrypt|pbkdf2-sha256)\$([a-z0-9=,]{1,64})"
                     r"\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})")


class InvalidHash(ValueError):
    """The stored text is none that this module would have made."""


def _encode(data):
    return base64.b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text):
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise InvalidHash("not base64") from error


def _prepare(password):
    """One spelling for what people type: NFKC, as RFC 8265 has it."""
    if not isinstance(password, str):
        raise TypeError("a password is a str")
    data = unicodedata.normalize("NFKC", password).encode("utf-8")
    if not 1 <= len(data) <= PASSWORD_BYTES_MAX:
        raise ValueError(f"a password has 1 to {PASSWORD_BYTES_MAX} bytes")
    return data


def _scrypt(data, salt, costs):
    memory = 128 * costs["r"] * (costs["n"] + costs["p"] + 2)
    return hashlib.scrypt(data, salt=salt, n=costs["n"], r=costs["r"],
                          p=costs["p"], maxmem=memory + 1024 * 1024,
                          dklen=HASH_BYTES)


def _pbkdf2(data, salt, costs):
    return hashlib.pbkdf2_hmac("sha256", data, salt, costs["i"], HASH_BYTES)


def _check_scrypt(costs):
    n, r, p = costs["n"], costs["r"], costs["p"]
    if n < 2 or n & (n - 1) or not 1 <= r or not 1 <= p <= SCRYPT_P_MAX:
        raise InvalidHash("scrypt costs out of range")
    if 128 * n * r > SCRYPT_MEMORY_MAX:
        raise InvalidHash("scrypt would take too much memory")


def _check_pbkdf2(costs):
    if not 1 <= costs["i"] <= PBKDF2_ITERATIONS_MAX:
        raise InvalidHash("iterations out of range")


# name: what it is by default, how it is computed, what is allowed
_ALGORITHMS = {
    "scrypt": (SCRYPT, _scrypt, _check_scrypt),
    "pbkdf2-sha256": (PBKDF2, _pbkdf2, _check_pbkdf2),
}


def hash_password(password, algorithm="scrypt"):
    """The text to store for a password."""
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"unknown algorithm: {algorithm!r}")
    costs, compute, _ = _ALGORITHMS[algorithm]
    salt = secrets.token_bytes(SALT_BYTES)
    digest = compute(_prepare(password), salt, costs)
    words = ",".join(f"{name}={value}" for name, value in costs.items())
    return f"${algorithm}${words}${_encode(salt)}${_encode(digest)}"


def _parse_costs(text, wanted):
    costs = {}
    for word in text.split(","):
        name, _, value = word.partition("=")
        if name in costs or not re.fullmatch(r"[1-9][0-9]{0,9}", value):
            raise InvalidHash("malformed costs")
        costs[name] = int(value)
    if list(costs) != list(wanted):
        raise InvalidHash("the costs are not those of the algorithm")
    return costs


def _parse(stored):
    match = _STORED.fullmatch(stored) if isinstance(stored, str) else None
    if match is None:
        raise InvalidHash("not a hash of this module")
    algorithm, costs_text, salt_text, hash_text = match.groups()
    wanted, _, check = _ALGORITHMS[algorithm]
    costs = _parse_costs(costs_text, wanted)
    check(costs)
    salt, digest = _decode(salt_text), _decode(hash_text)
    if len(salt) < 8 or len(digest) != HASH_BYTES:
        raise InvalidHash("salt or hash has a wrong length")
    return algorithm, costs, salt, digest


def verify_password(password, stored):
    """Is it the password?  InvalidHash if what is stored is damaged."""
    algorithm, costs, salt, digest = _parse(stored)
    try:
        data = _prepare(password)
    except ValueError:
        return False
    computed = _ALGORITHMS[algorithm][1](data, salt, costs)
    return hmac.compare_digest(computed, digest)


def needs_rehash(stored, algorithm="scrypt"):
    """Was it made with another algorithm or other costs than today's?"""
    name, costs, salt, _ = _parse(stored)
    return (name != algorithm or costs != _ALGORITHMS[algorithm][0]
            or len(salt) != SALT_BYTES)
