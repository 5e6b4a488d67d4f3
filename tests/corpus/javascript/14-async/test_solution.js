'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { mapLimit, retry, timeout, Mutex, EventEmitter, once, sleep } = require('./solution');

test('mapLimit keeps order and limit', async () => {
  let running = 0;
  let peak = 0;
  const result = await mapLimit([5, 1, 3, 2], 2, async (ms) => {
    peak = Math.max(peak, ++running);
    await sleep(ms);
    running--;
    return ms * 10;
  });
  assert.deepStrictEqual([result, peak], [[50, 10, 30, 20], 2]);
});

test('retry', async () => {
  assert.strictEqual(await retry(async (i) => {
    if (i < 2)
      throw new Error('not yet');
    return i;
  }), 2);
});

test('retry gives up', async () => {
  await assert.rejects(retry(() => Promise.reject(new Error('no')), { times: 2 }),
    (error) => error instanceof AggregateError && error.errors.length === 2);
});

test('timeout', async () => {
  await assert.rejects(timeout(new Promise(() => {}), 5), /timed out/);
  assert.strictEqual(await timeout(Promise.resolve(1), 1000), 1);
});

test('mutex', async () => {
  const mutex = new Mutex();
  const log = [];
  await Promise.all([3, 1, 2].map((n) => mutex.run(async () => {
    await sleep(n);
    log.push(n);
  })));
  assert.deepStrictEqual(log, [3, 1, 2]);
});

test('events', async () => {
  const emitter = new EventEmitter();
  setImmediate(() => emitter.emit('ready', 'yes'));
  assert.deepStrictEqual(await once(emitter, 'ready'), ['yes']);
});

test('callback style', (t, done) => {
  setTimeout(done, 2);
});
