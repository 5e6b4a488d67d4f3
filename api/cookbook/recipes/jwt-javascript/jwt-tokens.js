'use strict';
/*
 * JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256, nothing else.
 *
 *   const service = new TokenService({ '2026-01': key },
 *     { issuer: 'shop', audience: 'api' });
 *   const token = service.issue('user-17', 900, { role: 'clerk' });
 *   const claims = service.check(token);   // or throws TokenError
 *
 * The algorithm is pinned: what a token's header says about it must be exactly
 * HS256 and decides nothing.  The first key signs; all of them are accepted, so
 * that keys can be changed without signing anybody out.
 */
const crypto = require('node:crypto');

const ALGORITHM = 'HS256';
const KEY_BYTES_MIN = 32;
const TOKEN_MAX = 8192;
const RESERVED = ['sub', 'iss', 'aud', 'exp', 'nbf', 'iat', 'jti'];

/** The token is not to be trusted; the message says why, for logs. */
class TokenError extends Error {}

function encode(value) {
  return Buffer.from(value).toString('base64url');
}

/* Strict: Buffer skips what is not base64, so compare with the way back. */
function decode(text) {
  const data = Buffer.from(text, 'base64url');
  if (encode(data) !== text)
    throw new TokenError('a part is not in canonical base64url');
  return data;
}

function decodeObject(text) {
  let value;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true })
      .decode(decode(text)));
  } catch (error) {
    if (error instanceof TokenError)
      throw error;
    throw new TokenError('a part is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TokenError('a part is not an object');
  // Own members only: nothing comes from a prototype.
  return Object.assign(Object.create(null), value);
}

function hmac(key, signed) {
  return crypto.createHmac('sha256', key).update(signed).digest();
}

class TokenService {
  #keys;
  #signingId;
  #issuer;
  #audience;
  #leeway;
  #clock;

  constructor(keys, { issuer, audience, leewaySeconds = 30,
    clock = () => Date.now() / 1000 } = {}) {
    this.#keys = new Map(Object.entries(keys ?? {}));
    if (this.#keys.size === 0)
      throw new TypeError('there is no key');
    for (const [id, key] of this.#keys)
      if (!Buffer.isBuffer(key) || key.length < KEY_BYTES_MIN)
        throw new TypeError(`key ${id} must be a Buffer with at least ` +
          `${KEY_BYTES_MIN} random bytes`);
    if (!issuer || !audience)
      throw new TypeError('issuer and audience must not be empty');
    this.#signingId = this.#keys.keys().next().value;
    this.#issuer = issuer;
    this.#audience = audience;
    this.#leeway = leewaySeconds;
    this.#clock = clock;
  }

  /** A token for subject that is valid from now on. */
  issue(subject, lifetimeSeconds, claims = {}) {
    if (typeof subject !== 'string' || subject === '')
      throw new TypeError('subject must be a text that is not empty');
    if (!(Number.isFinite(lifetimeSeconds) && lifetimeSeconds > 0))
      throw new TypeError('lifetimeSeconds must be positive');
    for (const name of RESERVED)
      if (Object.hasOwn(claims, name))
        throw new TypeError(`reserved claim: ${name}`);
    const now = Math.floor(this.#clock());
    const header = { alg: ALGORITHM, kid: this.#signingId, typ: 'JWT' };
    const body = { ...claims, sub: subject, iss: this.#issuer,
      aud: this.#audience, iat: now, nbf: now,
      exp: now + Math.floor(lifetimeSeconds), jti: crypto.randomUUID() };
    const signed = [header, body]
      .map((part) => encode(JSON.stringify(part))).join('.');
    const mac = hmac(this.#keys.get(this.#signingId), signed);
    return `${signed}.${encode(mac)}`;
  }

  /** The claims of a token that is ours, unchanged and valid now. */
  check(token) {
    if (typeof token !== 'string' || token.length > TOKEN_MAX)
      throw new TokenError(`not a text of at most ${TOKEN_MAX} characters`);
    const parts = token.split('.');
    if (parts.length !== 3 || parts.includes(''))
      throw new TokenError('not three parts');
    this.#checkSignature(parts);
    const claims = decodeObject(parts[1]);
    this.#checkTimes(claims);
    this.#checkParties(claims);
    return claims;
  }

  #checkSignature([head, body, signature]) {
    const header = decodeObject(head);
    if (header.alg !== ALGORITHM)
      throw new TokenError(`the algorithm is not ${ALGORITHM}`);
    if ('crit' in header)
      throw new TokenError('the header has critical extensions');
    const key = this.#keys.get(header.kid);
    if (key === undefined)
      throw new TokenError('the key is unknown');
    const mac = hmac(key, `${head}.${body}`);
    const given = decode(signature);
    if (given.length !== mac.length || !crypto.timingSafeEqual(mac, given))
      throw new TokenError('the signature is wrong');
  }

  #checkTimes(claims) {
    const now = this.#clock();
    for (const name of ['exp', 'nbf', 'iat'])
      if (name in claims && !Number.isFinite(claims[name]))
        throw new TokenError(`${name} is not a number`);
    if (!('exp' in claims))
      throw new TokenError('exp is missing');
    if (now >= claims.exp + this.#leeway)
      throw new TokenError('the token has expired');
    for (const name of ['nbf', 'iat'])
      if (name in claims && now + this.#leeway < claims[name])
        throw new TokenError('the token is not valid yet');
  }

  #checkParties(claims) {
    if (claims.iss !== this.#issuer)
      throw new TokenError('another issuer');
    const audience = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
    if (!audience.includes(this.#audience))
      throw new TokenError('for another audience');
    if (typeof claims.sub !== 'string' || claims.sub === '')
      throw new TokenError('there is no subject');
  }
}

module.exports = { TokenService, TokenError };
