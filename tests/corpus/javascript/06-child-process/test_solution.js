'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { evaluate, pipeThrough, ask, exitOf } = require('./solution');

test('another node', async () => {
  assert.strictEqual(await evaluate('6 * 7'), '42');
});

test('a failing one', async () => {
  await assert.rejects(evaluate('nonsense'), /ReferenceError/);
});

test('pipes', async () => {
  assert.strictEqual(await pipeThrough('sort', ['-r'], 'a\nc\nb\n'), 'c\nb\na\n');
});

test('messages', async () => {
  assert.deepStrictEqual(await ask({ a: 2, b: 3 }), { sum: 5 });
});

test('exit codes', () => {
  assert.strictEqual(exitOf('exit 9'), 9);
});

test('signals', () => {
  assert.strictEqual(exitOf('kill -TERM $$'), 'SIGTERM');
});
