'use strict';
const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { TokenService, TokenError } = require('./jwt-tokens');

const KEY = Buffer.alloc(32, 1);
const OTHER = Buffer.alloc(32, 2);
const NOW = 1700000000;
const HEADER = { alg: 'HS256', kid: 'a', typ: 'JWT' };
const CLAIMS = { sub: 'u', iss: 'shop', aud: 'api', iat: NOW, nbf: NOW,
  exp: NOW + 60 };

function b64(value) {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
    .toString('base64url');
}

/* A token as somebody else would make it. */
function forge(header, claims, key = KEY) {
  const signed = `${b64(header)}.${b64(claims)}`;
  const mac = crypto.createHmac('sha256', key).update(signed).digest();
  return `${signed}.${mac.toString('base64url')}`;
}

function make({ keys = { a: KEY }, clock = () => NOW } = {}) {
  return new TokenService(keys, { issuer: 'shop', audience: 'api', clock });
}

function refused(token, reason, service = make()) {
  assert.throws(() => service.check(token), (error) => {
    assert.ok(error instanceof TokenError, String(error));
    assert.match(error.message, reason);
    return true;
  });
}

test('round trip', () => {
  const service = make();
  const claims = service.check(service.issue('u-1', 60, { role: 'clerk' }));
  assert.strictEqual(claims.sub, 'u-1');
  assert.strictEqual(claims.role, 'clerk');
  assert.strictEqual(claims.exp - claims.iat, 60);
});

test('no two tokens are the same', () => {
  assert.notStrictEqual(make().issue('u', 60), make().issue('u', 60));
});

test('what is issued is checked', () => {
  for (const [subject, seconds, claims] of [['', 60], [5, 60], ['u', 0],
    ['u', -1], ['u', NaN], ['u', Infinity], ['u', 60, { exp: 1 }],
    ['u', 60, { sub: 'root' }]])
    assert.throws(() => make().issue(subject, seconds, claims), TypeError);
});

test('weak keys and missing settings', () => {
  for (const keys of [{}, { a: 'x'.repeat(40) }, { a: Buffer.alloc(31) },
    { a: KEY, b: Buffer.alloc(5) }, null])
    assert.throws(() => make({ keys }), TypeError);
  assert.throws(() => new TokenService({ a: KEY }, { issuer: 'x' }), TypeError);
  assert.throws(() => new TokenService({ a: KEY }), TypeError);
});

test('a well made token passes', () => {
  assert.deepStrictEqual({ ...make().check(forge(HEADER, CLAIMS)) }, CLAIMS);
});

test('other algorithms', () => {
  for (const alg of ['none', 'None', 'HS512', 'hs256', 'RS256', '', null, 1,
    ['HS256']])
    refused(forge({ ...HEADER, alg }, CLAIMS), /algorithm/);
  refused(`${b64({ ...HEADER, alg: 'none' })}.${b64(CLAIMS)}.`, /three parts/);
});

test('another key', () => {
  refused(forge(HEADER, CLAIMS, OTHER), /signature/);
});

test('a changed body', () => {
  const [head, , mac] = forge(HEADER, CLAIMS).split('.');
  refused(`${head}.${b64({ ...CLAIMS, sub: 'root' })}.${mac}`, /signature/);
});

test('every byte of the signature counts', () => {
  const [head, body, mac] = forge(HEADER, CLAIMS).split('.');
  const raw = Buffer.from(mac, 'base64url');
  for (let at = 0; at < raw.length; at++) {
    raw[at] ^= 1;
    refused(`${head}.${body}.${raw.toString('base64url')}`, /signature/);
    raw[at] ^= 1;
  }
  refused(`${head}.${body}.${mac.slice(0, 4)}`, /signature/);
});

test('unknown key ids, and those of prototypes', () => {
  for (const kid of ['b', '', null, 5, ['a'], '__proto__', 'constructor'])
    refused(forge({ ...HEADER, kid }, CLAIMS), /key is unknown/);
});

test('critical extensions', () => {
  refused(forge({ ...HEADER, crit: ['b64'] }, CLAIMS), /critical/);
});

test('keys can be rotated', () => {
  const old = make().issue('u', 60);
  const both = make({ keys: { b: OTHER, a: KEY } });
  assert.strictEqual(both.check(old).sub, 'u');
  assert.strictEqual(both.check(both.issue('v', 60)).sub, 'v');
  refused(old, /key is unknown/, make({ keys: { b: OTHER } }));
});

test('expiry', () => {
  let now = NOW;
  const service = make({ clock: () => now });
  const token = service.issue('u', 60);
  now += 60 + 29;
  service.check(token);
  now += 1;
  refused(token, /expired/, service);
  const { exp, ...without } = CLAIMS;
  assert.ok(exp);
  refused(forge(HEADER, without), /exp is missing/);
});

test('not before and issued at', () => {
  for (const name of ['nbf', 'iat']) {
    refused(forge(HEADER, { ...CLAIMS, [name]: NOW + 31 }), /not valid yet/);
    make().check(forge(HEADER, { ...CLAIMS, [name]: NOW + 30 }));
  }
});

test('times are numbers', () => {
  for (const exp of ['9999999999', null, true, [], {}])
    refused(forge(HEADER, { ...CLAIMS, exp }), /not a number/);
  refused(forge(HEADER, JSON.stringify(CLAIMS)
    .replace(/"exp":\d+/, '"exp":1e999')), /not a number/);
});

test('audience, issuer, subject', () => {
  for (const aud of ['other', ['x'], [], null, 5, { api: 1 }])
    refused(forge(HEADER, { ...CLAIMS, aud }), /audience/);
  make().check(forge(HEADER, { ...CLAIMS, aud: ['x', 'api'] }));
  refused(forge(HEADER, { ...CLAIMS, iss: 'evil' }), /issuer/);
  for (const sub of ['', null, 7])
    refused(forge(HEADER, { ...CLAIMS, sub }), /subject/);
});

test('a claim named __proto__ changes nothing', () => {
  const body = JSON.stringify(CLAIMS).replace('{', '{"__proto__":{"x":1},');
  const claims = make().check(forge(HEADER, body));
  assert.strictEqual({}.x, undefined);
  assert.strictEqual(claims.x, undefined);
});

test('shapes', () => {
  for (const token of ['', 'a', 'a.b', 'a.b.c.d', '..', '.b.c', 'a..c'])
    refused(token, /three parts/);
  for (const token of [null, undefined, 5, {}, 'a'.repeat(8193)])
    refused(token, /not a text/);
});

test('not base64url, or not in its one spelling', () => {
  const [head, body, mac] = forge(HEADER, CLAIMS).split('.');
  for (const bad of [`${head}=`, `${head}!`, `${head}\n`, `${head}+`])
    refused(`${bad}.${body}.${mac}`, /base64url/);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' +
    '0123456789-_';
  const last = alphabet[alphabet.indexOf(mac.at(-1)) ^ 1];
  refused(`${head}.${body}.${mac.slice(0, -1)}${last}`, /canonical/);
});

test('not JSON, or no object', () => {
  for (const text of ['[]', '5', 'null', '{', '"x"'])
    refused(forge(text, CLAIMS), /JSON|object/);
  refused(`${Buffer.from([0xff, 0xfe]).toString('base64url')}.e30.e30`, /JSON/);
});
