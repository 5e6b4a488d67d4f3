// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, isEven, join } from './solution.js';

test('adds', () => {
  assert.equal(add(1, 2), 3);
  assert.equal(add(-5, 5), 0);
});

test('tells even numbers', () => {
  assert.equal(isEven(4), true);
  assert.equal(isEven(5), false);
});

test('joins', () => {
  assert.equal(join(['a', 'b']), 'a, b');
});
