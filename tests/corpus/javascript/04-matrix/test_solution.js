'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { identity, multiply, inverse, transpose, integrate } = require('./solution');

const plain = (m) => m.map((row) => [...row]);
const isClose = (a, b) => a.every((row, i) => row.every((x, j) => Math.abs(x - b[i][j]) < 1e-9));

test('multiply', () => {
  assert.deepStrictEqual(plain(multiply([[1, 2], [3, 4]], [[0, 1], [1, 0]])), [[2, 1], [4, 3]]);
});

test('transpose', () => {
  assert.deepStrictEqual(plain(transpose([[1, 2, 3], [4, 5, 6]])), [[1, 4], [2, 5], [3, 6]]);
});

test('inverse', () => {
  const a = [[0, 2, 1], [1, 1, 0], [3, 0, 4]];
  assert.ok(isClose(multiply(a, inverse(a)), identity(3)));
});

test('inverse of a larger matrix', () => {
  const a = Array.from({ length: 20 }, (_, i) =>
    Array.from({ length: 20 }, (_, j) => Math.sin(i * 7 + j * j * 3) + (i === j ? 5 : 0)));
  assert.ok(isClose(multiply(a, inverse(a)), identity(20)));
});

test('a singular matrix is refused', () => {
  assert.throws(() => inverse([[1, 2], [2, 4]]), /singular/);
});

test('simpson', () => {
  assert.ok(Math.abs(integrate(Math.sin, 0, Math.PI) - 2) < 1e-9);
});
