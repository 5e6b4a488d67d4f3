// SPDX-License-Identifier: Apache-2.0
/*
 * The result stream of the javascript harness: one sealed JSON object a line on
 * fd 3, bounded in number and size, valid UTF-8 without control characters.
 * api/jobs/results.h and seal.h have the format.
 *
 * What is used here is taken before the job's code runs, and lines are put
 * together from strings: that code may replace what everybody else sees.
 */
'use strict';

const fs = require('fs');
const { createHmac, randomBytes, Hmac } = require('crypto');

const { writeSync } = fs;
const { stringify } = JSON;
const { apply } = Reflect;
const { from, concat } = Buffer;
const { subarray } = Uint8Array.prototype;
const { update, digest } = Hmac.prototype;

const FD = 3;
const NAME_MAX = 256;
const MESSAGE_MAX = 4096;
const CASES_MAX = 10000;
// Below the 8 MiB that a client keeps of the result stream.
const BYTES_MAX = 6 << 20;

const COUNT_OF = {
  __proto__: null,
  passed: 'passed', failed: 'failed', error: 'errors', skipped: 'skipped',
};

/* Valid UTF-8 of at most max bytes, without control characters. */
function clean(text, max) {
  const data = from(String(text).slice(0, 64 * max)
    // eslint-disable-next-line no-control-regex
    .replace(/[\0-\x08\x0b-\x1f\x7f]/g, '\ufffd'));
  if (data.length <= max)
    return data.toString();
  // Cut in the middle; halves of a character at the cuts go too.
  const mark = max >= 1024 ? '\n...\n' : '...';
  const head = max - (max >> 2) - 8;
  const tail = max - head - 8 - mark.length;
  return data.subarray(0, head).toString().replace(/\ufffd+$/, '') + mark +
    data.subarray(data.length - tail).toString().replace(/^\ufffd+/, '');
}

/* An array of strings as JSON. */
function list(strings) {
  let text = '[';
  for (let i = 0; i < strings.length; i++)
    text += (i ? ',' : '') + stringify(strings[i]);
  return `${text}]`;
}

/* write(body): a line from the inside of a JSON object; returns its size. */
function lineWriter() {
  const key = randomBytes(32);
  let number = 0;

  function seal(body) {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(number, 0);
    const mac = createHmac('sha256', key);
    apply(update, mac, [concat([head, from(body)])]);
    return apply(digest, mac, ['hex']);
  }

  return function write(body) {
    let line = `{${body}`;
    if (number === 0)
      line += `,"key":"${key.toString('hex')}"`;
    else
      line += `,"mac":"${seal(line)}"`;
    number++;
    let data = from(`${line}}\n`);
    const size = data.length;
    while (data.length > 0)
      data = apply(subarray, data, [writeSync(FD, data)]);
    return size;
  };
}

class Results {
  #write = lineWriter();
  #isStarted = false;
  #isFull = false;
  #bytes = 0;
  #canaries = new Set();
  #counts = { __proto__: null, passed: 0, failed: 0, errors: 0, skipped: 0 };

  cases = 0;
  witness = null;

  get hasFailure() {
    return this.#counts.failed > 0 || this.#counts.errors > 0;
  }

  start(expected = null, isOpen = true, canaries = []) {
    if (this.#isStarted)
      return;
    this.#isStarted = true;
    this.#canaries = new Set(canaries);
    this.#write(`"type":"start","expected":${expected ? list(expected) : null},` +
      `"open":${Boolean(isOpen)},"canaries":${list(canaries)},` +
      '"trust":"in-process"');
  }

  forged(why) {
    this.start();
    this.#write(`"type":"forged","message":${stringify(clean(why, NAME_MAX))}`);
  }

  isCanary(name) {
    return this.#canaries.has(name);
  }

  canary(name, outcome) {
    this.#write(`"type":"canary","test":${stringify(name)},` +
      `"outcome":"${outcome}"`);
  }

  /* of: the expected test that this reports on. */
  test(name, outcome, durationMs, message = '', of = null) {
    this.start();
    if (this.#isFull)
      return;
    if (this.cases >= CASES_MAX || this.#bytes > BYTES_MAX) {
      this.#isFull = true;
      [name, outcome, durationMs, of] = ['(harness)', 'error', 0, null];
      message = `only the first ${this.cases} tests are reported`;
    }
    if (this.witness && outcome === 'passed')
      this.witness.confirmPass(name);
    this.cases++;
    this.#counts[COUNT_OF[outcome]]++;
    const took = Math.round(durationMs * 1000) / 1000 || 0;
    const text = outcome === 'passed' ? '' : clean(message, MESSAGE_MAX);
    this.#bytes += this.#write(
      `"type":"test","test":${stringify(clean(name, NAME_MAX))},` +
      (of === null ? '' : `"of":${stringify(of)},`) +
      `"outcome":"${outcome}","duration_ms":${took},` +
      `"message":${stringify(text)}`);
  }

  end() {
    this.start();
    const { passed, failed, errors, skipped } = this.#counts;
    this.#write(`"type":"end","passed":${passed},"failed":${failed},` +
      `"errors":${errors},"skipped":${skipped}`);
  }
}

module.exports = { FD, Results };
