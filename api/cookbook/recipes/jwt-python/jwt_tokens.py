"""JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256, nothing else.

    issuer = TokenService({"2026-01": key}, issuer="shop", audience="api")
    token = issuer.issue("user-17", lifetime_s=900, claims={"role": "clerk"})
    claims = issuer.check(token)        # or TokenError

The algorithm is pinned: what a token's header says about it must be exactly
HS256 and decides nothing.  The first key signs; all of them are accepted, so
that keys can be changed without signing anybody out.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time

ALGORITHM = "HS256"
KEY_BYTES_MIN = 32
TOKEN_MAX = 8192
LEEWAY_S = 30
RESERVED = frozenset({"sub", "iss", "aud", "exp", "nbf", "iat", "jti"})


class TokenError(Exception):
    """The token is not to be trusted; the text says why, for logs."""


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text):
    """Strict: base64url without padding, in the one canonical spelling."""
    try:
        data = base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenError("a part is not base64url") from error
    if _encode(data) != text:
        raise TokenError("a part is not in canonical base64url")
    return data


def _no_duplicates(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise TokenError("a name is there twice")
    return dict(pairs)


def _no_constant(name):
    raise TokenError(f"{name} is not a number")


def _decode_object(text):
    try:
        value = json.loads(_decode(text), object_pairs_hook=_no_duplicates,
                           parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise TokenError("a part is not JSON") from error
    if not isinstance(value, dict):
        raise TokenError("a part is not an object")
    return value


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class TokenService:
    """Issues and checks the tokens of one issuer for one audience."""

    def __init__(self, keys, issuer, audience, leeway_s=LEEWAY_S,
                 clock=time.time):
        if not keys:
            raise ValueError("there is no key")
        for key_id, key in keys.items():
            if not isinstance(key, bytes) or len(key) < KEY_BYTES_MIN:
                raise ValueError(f"key {key_id!r} must have at least "
                                 f"{KEY_BYTES_MIN} random bytes")
        if not issuer or not audience:
            raise ValueError("issuer and audience must not be empty")
        self._keys = dict(keys)
        self._signing_id = next(iter(self._keys))
        self._issuer = issuer
        self._audience = audience
        self._leeway_s = leeway_s
        self._clock = clock

    def issue(self, subject, lifetime_s, claims=None):
        """A token for subject that is valid from now on, for lifetime_s."""
        if not isinstance(subject, str) or not subject:
            raise ValueError("subject must be a text that is not empty")
        if lifetime_s <= 0:
            raise ValueError("lifetime_s must be positive")
        taken = RESERVED.intersection(claims or {})
        if taken:
            raise ValueError(f"reserved claims: {', '.join(sorted(taken))}")
        now = int(self._clock())
        header = {"alg": ALGORITHM, "kid": self._signing_id, "typ": "JWT"}
        body = {**(claims or {}), "sub": subject, "iss": self._issuer,
                "aud": self._audience, "iat": now, "nbf": now,
                "exp": now + int(lifetime_s),
                "jti": secrets.token_urlsafe(16)}
        signed = ".".join(
            _encode(json.dumps(part, separators=(",", ":"),
                               allow_nan=False).encode())
            for part in (header, body))
        mac = self._mac(self._keys[self._signing_id], signed)
        return f"{signed}.{_encode(mac)}"

    def check(self, token):
        """The claims of a token that is ours, unchanged and valid now."""
        if not isinstance(token, str) or len(token) > TOKEN_MAX:
            raise TokenError(f"not a text of at most {TOKEN_MAX} characters")
        parts = token.split(".")
        if len(parts) != 3 or not all(parts):
            raise TokenError("not three parts")
        self._check_signature(parts)
        claims = _decode_object(parts[1])
        self._check_times(claims)
        self._check_parties(claims)
        return claims

    def _check_signature(self, parts):
        header = _decode_object(parts[0])
        if header.get("alg") != ALGORITHM:
            raise TokenError(f"the algorithm is not {ALGORITHM}")
        if "crit" in header:
            raise TokenError("the header has critical extensions")
        key_id = header.get("kid")
        key = self._keys.get(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise TokenError("the key is unknown")
        mac = self._mac(key, f"{parts[0]}.{parts[1]}")
        if not hmac.compare_digest(mac, _decode(parts[2])):
            raise TokenError("the signature is wrong")

    def _check_times(self, claims):
        now = self._clock()
        for name in ("exp", "nbf", "iat"):
            if name in claims and not _is_number(claims[name]):
                raise TokenError(f"{name} is not a number")
        if "exp" not in claims:
            raise TokenError("exp is missing")
        if now >= claims["exp"] + self._leeway_s:
            raise TokenError("the token has expired")
        for name in ("nbf", "iat"):
            if now + self._leeway_s < claims.get(name, now):
                raise TokenError("the token is not valid yet")

    def _check_parties(self, claims):
        if claims.get("iss") != self._issuer:
            raise TokenError("another issuer")
        audience = claims.get("aud")
        if isinstance(audience, str):
            audience = [audience]
        if not isinstance(audience, list) or self._audience not in audience:
            raise TokenError("for another audience")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise TokenError("there is no subject")

    @staticmethod
    def _mac(key, signed):
        return hmac.new(key, signed.encode("utf-8"), hashlib.sha256).digest()
