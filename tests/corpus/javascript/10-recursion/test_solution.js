'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { sudoku, partitions, flatten, depth } = require('./solution');

test('sudoku', () => {
  const puzzle =
    '530070000600195000098000060800060003400803001700020006060000280000419005000080079';
  assert.strictEqual(sudoku(puzzle),
    '534678912672195348198342567859761423426853791713924856961537284287419635345286179');
});

test('impossible sudoku', () => {
  assert.strictEqual(sudoku('123456780000000009' + '0'.repeat(63)), null);
});

test('partitions', () => {
  assert.strictEqual(partitions(100), 190569292n);
});

test('flatten', () => {
  assert.deepStrictEqual(flatten([1, [2, [3, [[4]]]], []]), [1, 2, 3, 4]);
});

test('the stack ends', () => {
  assert.strictEqual(depth(5000), 5000);
  assert.throws(() => depth(1e7), RangeError);
});
