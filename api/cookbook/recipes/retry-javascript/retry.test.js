'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { retry } = require('./retry');

class Busy extends Error {
  constructor(retryAfterMs) {
    super('busy');
    this.retryAfterMs = retryAfterMs;
  }
}

/* A clock that only sleeping moves, and chance that is none. */
function world(share = 1) {
  const w = { now: 0, pauses: [], settings(more) {
    return { mayPass: (error) => error instanceof Busy, clock: () => w.now,
      random: () => share, sleep: async (ms) => {
        w.pauses.push(ms);
        w.now += ms;
      }, ...more };
  } };
  return w;
}

/* Fails that often, then succeeds. */
function failing(times, make = () => new Busy()) {
  const f = async () => {
    f.calls++;
    if (f.calls <= times)
      throw make();
    return 'done';
  };
  f.calls = 0;
  return f;
}

test('success at once', async () => {
  const w = world();
  const f = failing(0);
  assert.strictEqual(await retry(f, w.settings()), 'done');
  assert.deepStrictEqual([f.calls, w.pauses], [1, []]);
});

test('success after failures', async () => {
  const f = failing(3);
  assert.strictEqual(await retry(f, world().settings()), 'done');
  assert.strictEqual(f.calls, 4);
});

test('it gives up with the last error', async () => {
  const w = world();
  let n = 0;
  await assert.rejects(retry(failing(99, () => new Busy(++n / 1000)),
    w.settings({ attempts: 4 })), { retryAfterMs: 0.004 });
  assert.strictEqual(w.pauses.length, 3);
});

test('other errors pass through', async () => {
  const f = failing(1, () => new TypeError('mine'));
  await assert.rejects(retry(f, world().settings()), TypeError);
  assert.strictEqual(f.calls, 1);
});

test('functions that throw without a promise', async () => {
  let calls = 0;
  const value = await retry(() => {
    if (++calls < 3)
      throw new Busy();
    return calls;
  }, world().settings());
  assert.strictEqual(value, 3);
});

test('attempts are counted for the function', async () => {
  const seen = [];
  await retry(async (attempt) => {
    seen.push(attempt);
    if (attempt < 3)
      throw new Busy();
  }, world().settings());
  assert.deepStrictEqual(seen, [1, 2, 3]);
});

test('pauses double up to the longest', async () => {
  const w = world();
  await assert.rejects(retry(failing(99),
    w.settings({ attempts: 6, baseMs: 1, maxMs: 5 })));
  assert.deepStrictEqual(w.pauses, [1, 2, 4, 5, 5]);
});

test('jitter takes any part of a pause', async () => {
  for (const [share, pauses] of [[0, [0, 0, 0]], [0.5, [0.5, 1, 2]]]) {
    const w = world(share);
    await assert.rejects(retry(failing(99),
      w.settings({ attempts: 4, baseMs: 1 })));
    assert.deepStrictEqual(w.pauses, pauses);
  }
});

test('real chance stays within', async () => {
  const w = world();
  await assert.rejects(retry(failing(999), w.settings({ attempts: 300,
    baseMs: 4, maxMs: 4, random: undefined })), TypeError);
  const { random, ...settings } = w.settings({ attempts: 300, baseMs: 4,
    maxMs: 4 });
  assert.ok(random);
  await assert.rejects(retry(failing(999), settings), Busy);
  assert.ok(w.pauses.every((ms) => ms >= 0 && ms <= 4));
  assert.ok(Math.max(...w.pauses) > 3 && Math.min(...w.pauses) < 1);
});

test('retry-after', async () => {
  const w = world(0);
  const errors = [new Busy(9), new Busy('soon'), new Busy(null)];
  await retry(async () => {
    if (errors.length > 0)
      throw errors.shift();
  }, w.settings());
  assert.deepStrictEqual(w.pauses, [9, 0, 0]);
});

test('no attempt begins after the deadline', async () => {
  const w = world();
  const f = failing(99);
  await assert.rejects(retry(f, w.settings({ attempts: 99, baseMs: 1,
    maxMs: 100, deadlineMs: 10 })), Busy);
  assert.deepStrictEqual([f.calls, w.now], [4, 7]);
});

test('who wants to know is told', async () => {
  const told = [];
  await retry(failing(2), world().settings({ baseMs: 1,
    beforeRetry: (...what) => told.push(what) }));
  assert.deepStrictEqual(told.map(([n, ms, error]) => [n, ms, error.message]),
    [[1, 1, 'busy'], [2, 2, 'busy']]);
});

test('an abort ends it while it waits', async () => {
  const controller = new AbortController();
  const f = failing(99);
  const running = retry(f, { mayPass: () => true, baseMs: 1e6, maxMs: 1e6,
    random: () => 1, signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(running, { name: 'AbortError' });
  assert.strictEqual(f.calls, 1);
});

test('an abort before it begins, or in an attempt', async () => {
  const f = failing(0);
  await assert.rejects(retry(f, world().settings({
    signal: AbortSignal.abort() })), { name: 'AbortError' });
  assert.strictEqual(f.calls, 0);
  const controller = new AbortController();
  await assert.rejects(retry(async (attempt, signal) => {
    assert.strictEqual(signal, controller.signal);
    controller.abort();
    throw new Busy();
  }, world().settings({ signal: controller.signal })), { name: 'AbortError' });
});

test('wrong options', async () => {
  const mayPass = () => true;
  for (const options of [undefined, {}, { mayPass: 5 },
    { mayPass, attempts: 0 }, { mayPass, attempts: 1.5 },
    { mayPass, baseMs: -1 }, { mayPass, maxMs: NaN },
    { mayPass, deadlineMs: -1 }, { mayPass, atempts: 3 }])
    await assert.rejects(retry(failing(0), options), TypeError);
});
