'use strict';
const { test } = require('node:test');
const assert = require('node:assert');
const { Stack, Queue } = require('./solution.js');

test('last in, first out', () => {
  const stack = new Stack().push(1, 2);
  assert.strictEqual(stack.pop(), 2);
  assert.strictEqual(stack.size, 1);
});

test('popping an empty stack', () => {
  assert.throws(() => new Stack().pop(), RangeError);
});

test('iterates from the top', () => {
  assert.deepStrictEqual([...new Stack().push('a', 'b', 'c')], ['c', 'b', 'a']);
});

test('items are private', () => {
  assert.deepStrictEqual(Object.keys(new Stack().push(1)), []);
});

test('first in, first out', () => {
  const queue = new Queue();
  [1, 2, 3].forEach((n) => queue.put(n));
  assert.strictEqual(queue.take(), 1);
  queue.put(4);
  assert.deepStrictEqual([queue.take(), queue.take(), queue.take()], [2, 3, 4]);
});

test('taking from an empty queue', () => {
  assert.throws(() => new Queue().take());
});
