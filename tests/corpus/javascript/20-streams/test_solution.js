'use strict';
const test = require('node:test');
const assert = require('node:assert');
const crypto = require('node:crypto');
const { lines, roundTrip, sha256, seal, open } = require('./solution');

test('lines across chunks', async () => {
  assert.deepStrictEqual(await lines(['a', 'b\nc', '\n\nd']), ['ab', 'c', '', 'd']);
});

test('many lines', async () => {
  const text = Array.from({ length: 2000 }, (_, i) => `line ${i}\n`).join('');
  assert.strictEqual((await lines([text])).length, 2000);
});

test('gzip', async () => {
  const data = Buffer.from('compressible '.repeat(20000));
  assert.ok((await roundTrip(data)).equals(data));
});

test('sha256', () => {
  assert.strictEqual(sha256(''),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('seal and open', () => {
  const key = crypto.randomBytes(32);
  assert.strictEqual(open(key, seal(key, 'schön')), 'schön');
});

test('tampering is found', () => {
  const key = crypto.randomBytes(32);
  const sealed = seal(key, 'text');
  sealed[sealed.length - 1] ^= 1;
  assert.throws(() => open(key, sealed));
});
