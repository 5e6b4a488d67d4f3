'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { rows, print } = require('./solution');

test('rows', () => {
  assert.deepStrictEqual([...rows(2)], ['00000000  0', '00000001 x 2654435761']);
});

test('a lot of lines', () => {
  assert.ok(print(6000) > 300_000);
});

test('one long line', () => {
  process.stdout.write('y'.repeat(300_000) + '\n');
  process.stderr.write('z'.repeat(1000) + '\n');
});
