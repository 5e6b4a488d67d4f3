// SPDX-License-Identifier: Apache-2.0
'use strict';
// What tests look with, other than assert's own functions.
const { half, squares, words, report } = require('./solution.js');
const assert = require('node:assert');
const { test } = require('node:test');

test('near', () => {
  assert.ok(Math.abs(half(9) - 4.5) < 1e-9);
});

test('a table', () => {
  [[2, 4], [3, 9]].forEach(([a, b]) => assert.strictEqual(squares(a), b));
  for (const [a, b] of [[2, 4], [3, 9]])
    assert.strictEqual(squares(a), b);
});

test('words', () => {
  assert.ok(words().every((word) => word.length > 0));
  assert.ok(words().join(' ').includes('hello'));
  assert.ok(Array.isArray(words()));
});

test('a report', () => {
  assert.ok(/total: 3/.test(report()));
});
