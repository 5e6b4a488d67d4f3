'use strict';
const { EventEmitter, once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');

async function mapLimit(items, limit, f) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await f(items[at]);
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}

async function retry(f, { times = 3, delay = 1 } = {}) {
  const errors = [];
  for (let i = 0; i < times; i++) {
    try {
      return await f(i);
    } catch (error) {
      errors.push(error);
      await sleep(delay * 2 ** i);
    }
  }
  throw new AggregateError(errors, `failed ${times} times`);
}

function timeout(promise, ms) {
  const controller = new AbortController();
  const { signal } = controller;
  const timer = sleep(ms, undefined, { signal }).then(() => {
    throw new Error('timed out');
  });
  return Promise.race([promise, timer]).finally(() => controller.abort());
}

class Mutex {
  #last = Promise.resolve();

  run(f) {
    const result = this.#last.then(f);
    this.#last = result.catch(() => {});
    return result;
  }
}

module.exports = { mapLimit, retry, timeout, Mutex, EventEmitter, once, sleep };
