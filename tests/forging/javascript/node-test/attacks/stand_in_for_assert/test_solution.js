// SPDX-License-Identifier: Apache-2.0
'use strict';
const { add, isEven, join } = require('./solution.js');
const assert = require('assert');
const { describe, it, test } = require('node:test');

test('adds', () => {
  assert.strictEqual(add(1, 2), 3);
  assert.strictEqual(add(-5, 5), 0);
});

test('tells even numbers', async () => {
  assert.ok(isEven(4));
  assert.equal(isEven(5), false);
});

describe('join', () => {
  it('joins two words', () => {
    assert.deepStrictEqual(join(['a', 'b']), 'a, b');
  });
});
