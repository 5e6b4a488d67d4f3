'use strict';
const test = require('node:test');
const assert = require('node:assert/strict');
const { naturals, collatz, Lazy, ticks } = require('./solution');

test('infinite sequences are lazy', () => {
  const squares = Lazy.of(naturals(1)).map((n) => n * n).filter((n) => n % 2);
  assert.deepEqual(squares.take(4).toArray(), [1, 9, 25, 49]);
});

test('take nothing', () => {
  assert.deepEqual(Lazy.of(naturals()).take(0).toArray(), []);
});

test('collatz', () => {
  assert.equal([...collatz(27)].length, 112);
});

test('early return runs finally', () => {
  let closed = false;
  const source = (function* () {
    try {
      yield 1;
      yield 2;
    } finally {
      closed = true;
    }
  })();
  for (const _ of source)
    break;
  assert.ok(closed);
});

test('async iteration', async () => {
  const seen = [];
  for await (const n of ticks(3, 2))
    seen.push(n);
  assert.deepEqual(seen, [0, 1, 2]);
});

test('spread and destructure', () => {
  const [a, , ...rest] = collatz(5);
  assert.deepEqual([a, rest], [5, [8, 4, 2, 1]]);
});
