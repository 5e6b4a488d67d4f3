'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { popcount, fnv1a, modPow, floatBits, BitSet } = require('./solution');

test('popcount', () => assert.strictEqual(popcount(-1n), 64));

test('fnv1a of nothing', () => assert.strictEqual(fnv1a(''), 0x811c9dc5));

test('fnv1a', () => assert.strictEqual(fnv1a('foobar'), 0xbf9cf968));

test('modPow', () => {
  assert.strictEqual(modPow(2n, 127n - 1n, 127n), 1n);
  assert.strictEqual(modPow(3n, 200n, 1000000007n), 136318165n);
});

test('float bits', () => assert.strictEqual(floatBits(1), '3ff0000000000000'));

test('bit set', () => {
  const set = new BitSet(100).set(3).set(64);
  assert.deepStrictEqual([set.has(3), set.has(64), set.has(4)], [true, true, false]);
});

test('bit 31', () => assert.ok(new BitSet(64).set(31).has(31)));
