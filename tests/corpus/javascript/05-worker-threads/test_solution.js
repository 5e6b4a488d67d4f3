'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { startWorker, countTogether, sumInParallel } = require('./solution');

test('atomics do not lose counts', async () => {
  assert.strictEqual(await countTogether(3, 5000), 15000);
});

test('sum', async () => {
  const numbers = Array.from({ length: 1000 }, (_, i) => i);
  assert.strictEqual(await sumInParallel(numbers, 2), 499500);
});

test('errors cross threads', async () => {
  await assert.rejects(startWorker({ task: 'fail' }), /the worker fails/);
});

test('message channel', async () => {
  const { port1, port2 } = new MessageChannel();
  const got = new Promise((resolve) => (port2.onmessage = (e) => resolve(e.data)));
  port1.postMessage({ when: new Date(0), big: 10n });
  const data = await got;
  port1.close();
  assert.deepStrictEqual(data, { when: new Date(0), big: 10n });
});
