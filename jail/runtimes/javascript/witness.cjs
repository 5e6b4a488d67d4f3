// SPDX-License-Identifier: Apache-2.0
/*
 * What the tests themselves say about having run, whatever is reported.
 *
 *  - node:test calls each test's function through runInAsyncScope(); there we
 *    note whether it came to its end.  A pass without such a note is forged.
 *  - Canaries are appended to the tests' text: tests that fail, by the
 *    assertions that the file uses, in the scope that they are used in.  They
 *    are marked as todo, so that node's exit code stays what it was.
 *  - A script without node:test must come to the end of its text and the
 *    process to its natural end, or be ended by the script itself.
 *  - The members of assert cannot be replaced.
 */
'use strict';

const { AsyncResource } = require('async_hooks');
const { randomBytes } = require('crypto');
const assert = require('assert');

const { apply, ownKeys } = Reflect;
const { then } = Promise.prototype;
const isPromise = require('util').types.isPromise;

/* How each assertion fails; a and b are different numbers. */
const FAILING = {
  ok: (a, b) => `${a} === ${b}`,
  equal: (a, b) => `${a}, ${b}`,
  notEqual: (a) => `${a}, ${a}`,
  strictEqual: (a, b) => `${a}, ${b}`,
  notStrictEqual: (a) => `${a}, ${a}`,
  deepEqual: (a, b) => `[${a}], [${b}]`,
  notDeepEqual: (a) => `[${a}], [${a}]`,
  deepStrictEqual: (a, b) => `[${a}], [${b}]`,
  notDeepStrictEqual: (a) => `[${a}], [${a}]`,
  match: (a, b) => `'${a}', /^x${b}/`,
  doesNotMatch: (a) => `'${a}', /${a}/`,
  throws: (a) => `() => ${a}`,
  fail: (a) => `'${a}'`,
};

function randomName() {
  return `n${randomBytes(6).toString('hex')}`;
}

function numbers() {
  const a = randomBytes(4).readUInt32LE() + 2;
  return [a, a + 1 + randomBytes(2).readUInt16LE()];
}

/* "assert.equal(1, 2)" for each assertion that the tokens call. */
function failingAssertions(tokens) {
  const found = new Set();
  tokens.forEach((token, i) => {
    if (token.type !== 'word' || tokens[i + 1]?.type !== '(')
      return;
    const [owner, dot] = [tokens[i - 2], tokens[i - 1]];
    if (token.text === 'assert' && dot?.type !== '.')
      found.add(`assert(${FAILING.ok(...numbers())})`);
    else if (!Object.hasOwn(FAILING, token.text))
      return;
    else if (dot?.type !== '.')
      found.add(`${token.text}(${FAILING[token.text](...numbers())})`);
    else if (owner?.type === 'word' && tokens[i - 3]?.type !== '.')
      found.add(
        `${owner.text}.${token.text}(${FAILING[token.text](...numbers())})`);
  });
  return [...found].slice(0, 16);
}

class Witness {
  constructor(report) {
    this.report = report;
    this.canaries = [];
    this.ends = new Map(); // full name: how often it came to its end
    this.confirmed = new Map();
    // Of a script.
    this.hasEnded = false;
    this.hasLeft = false;
    this.hasDrained = false;
    this.hasSwallowed = false;
  }

  // ---- the text

  addCanaries(text, plan) {
    if (!plan.tester)
      return text;
    let assertions = failingAssertions(plan.tokens);
    if (assertions.length === 0)
      assertions = ['throw new Error()'];
    const calls = assertions.map((assertion) => {
      const name = randomName();
      this.canaries.push(name);
      return `${plan.tester}('${name}',{todo:true},()=>{${assertion}});`;
    });
    return `${text}\n;${calls.join('')}`;
  }

  /*
   * A script says that it came to its end, checks its assertions, and leaves
   * by ours instead of process.exit().  The global goes when it is not needed
   * any more.
   */
  instrumentScript(text, plan) {
    const name = randomName();
    const at = plan.tokens.filter((token, i) => token.text === 'process' &&
      plan.tokens[i - 1]?.type !== '.' && plan.tokens[i + 1]?.type === '.' &&
      plan.tokens[i + 2]?.text === 'exit' && plan.tokens[i + 3]?.type === '(');
    let depth = 0;
    for (const token of plan.tokens) {
      depth += '{(['.includes(token.type) - '})]'.includes(token.type);
      if (token.text === 'return' && depth === 0)
        this.hasEnded = true; // may end early by itself
    }
    for (const token of at.reverse())
      text = text.slice(0, token.at) + `globalThis.${name}` +
        text.slice(token.at + 'process'.length);
    const checks = failingAssertions(plan.tokens).map((assertion) =>
      `try{${assertion};globalThis.${name}.canary()}catch{}`);
    Object.defineProperty(globalThis, name, { configurable: true, value: {
      end: () => { this.hasEnded = true; },
      canary: () => this.report('an assertion that must fail did not'),
      exit: (...args) => {
        this.hasLeft = true;
        process.exit(...args);
      },
    } });
    return `${text}\n;${checks.join('')}globalThis.${name}.end();`;
  }

  // ---- notes

  watchTests() {
    const witness = this;
    const { runInAsyncScope } = AsyncResource.prototype;
    AsyncResource.prototype.runInAsyncScope = function (fn, self, ...args) {
      if (typeof this.nesting !== 'number' || fn !== this.fn)
        return apply(runInAsyncScope, this, [fn, self, ...args]);
      const name = Witness.fullName(this);
      if (args.length > 1 && fn.length === args.length)
        args[1] = witness.watchCallback(name, args[1]);
      const result = apply(runInAsyncScope, this, [fn, self, ...args]);
      if (args.length > 1 && fn.length === args.length)
        return result;
      if (isPromise(result))
        apply(then, result, [() => witness.note(name), () => {}]);
      else
        witness.note(name);
      return result;
    };
  }

  watchCallback(name, callback) {
    return (error, ...rest) => {
      if (!error)
        this.note(name);
      return callback(error, ...rest);
    };
  }

  static fullName(test) {
    const names = [];
    for (let one = test; one.parent; one = one.parent)
      names.unshift(one.name);
    return names.join(' > ');
  }

  note(name) {
    this.ends.set(name, (this.ends.get(name) ?? 0) + 1);
  }

  confirmPass(name) {
    const confirmed = (this.confirmed.get(name) ?? 0) + 1;
    this.confirmed.set(name, confirmed);
    if (confirmed > (this.ends.get(name) ?? 0))
      this.report(`test ${name} was reported as passed, but it did not come ` +
        'to its end');
  }

  /*
   * The members of assert stay what they are: code that replaces one for the
   * time of a call would leave no trace.  New ones may be added.
   */
  static pinAssertions() {
    for (const object of [assert, assert.strict]) {
      for (const key of ownKeys(object)) {
        const { writable } = Object.getOwnPropertyDescriptor(object, key);
        if (writable)
          Object.defineProperty(object, key,
            { writable: false, configurable: false });
      }
    }
  }
}

module.exports = { Witness };
