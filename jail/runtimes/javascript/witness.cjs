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
 *    Asynchronous functions that it calls at its top must have ended.
 *  - The members of assert, node:test and of Math, JSON and the like cannot be
 *    replaced; prototypes and timers must be what they were.
 */
'use strict';

const { AsyncResource } = require('async_hooks');
const { randomBytes } = require('crypto');
const assert = require('assert');

const { apply, ownKeys, getOwnPropertyDescriptor } = Reflect;
const { then } = Promise.prototype;
const isPromise = require('util').types.isPromise;
const { exit } = process;

// What tests look with: cannot be replaced at all (a class may have its own).
const PINNED = { Math, JSON, Array, Number, Object, Reflect, String };
// What may be extended, but not changed.
const WATCHED = { Array, Boolean, Error, Function, Map, Number, Object, Promise,
  RegExp, Set, String, WeakMap, Symbol };
const WATCHED_GLOBALS = ['setTimeout', 'setInterval', 'setImmediate',
  'queueMicrotask', 'parseInt', 'parseFloat', 'isNaN', 'isFinite'];
// Replaced in good faith.
const MAY_CHANGE = ['random', 'constructor', 'prepareStackTrace',
  'stackTraceLimit'];
// Words of tests files that replace things themselves.
const PATCHING = ['mock', 'sinon', 'spyOn', 'useFakeTimers'];

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
    this.pending = 0; // asynchronous functions that it called
    this.intrinsics = []; // [where, object, key, value]
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
    // As long as before: places in the text stay what they are.
    const leave = 'p' + name.slice(0, 'rocess'.length);
    for (const token of at)
      text = text.slice(0, token.at) + leave +
        text.slice(token.at + 'process'.length);
    text = Witness.waitFor(text, plan.tokens, name);
    const checks = failingAssertions(plan.tokens).map((assertion) =>
      `try{${assertion};globalThis.${name}.canary()}catch{}`);
    Object.defineProperty(globalThis, name, { configurable: true, value: {
      end: () => { this.hasEnded = true; },
      wait: (result) => {
        if (!isPromise(result))
          return result;
        this.pending++;
        // In place of the first: whose rejection nobody handles stays so.
        return apply(then, result, [
          (value) => { this.pending--; return value; },
          (error) => { this.pending--; throw error; }]);
      },
      canary: () => this.report('an assertion that must fail did not'),
    } });
    Object.defineProperty(globalThis, leave, { configurable: true, value: {
      exit: (...args) => {
        this.hasLeft = true;
        this.checkIntrinsics();
        apply(exit, process, args);
      },
    } });
    return `${text}\n;${checks.join('')}globalThis.${name}.end();`;
  }

  /* (async () => {...})() and main(), of an async function main, at the top. */
  static waitFor(text, tokens, name) {
    const isAsync = new Set();
    tokens.forEach((token, i) => {
      const [next, after] = [tokens[i + 1], tokens[i + 2]];
      if (token.text === 'async' && next?.text === 'function' && after)
        isAsync.add(after.text);
      if (token.text === 'async' && tokens[i - 1]?.type === '=' && tokens[i - 2])
        isAsync.add(tokens[i - 2].text);
    });
    const closing = (open) => {
      for (let i = open, depth = 0; i < tokens.length; i++) {
        depth += '{(['.includes(tokens[i].type) - '})]'.includes(tokens[i].type);
        if (depth === 0)
          return i;
      }
      return -1;
    };
    const calls = [];
    for (let i = 0, depth = 0; i < tokens.length; i++) {
      const { type, line } = tokens[i];
      const last = tokens[i - 1];
      const isStart = depth === 0 && (!last || [';', '}'].includes(last.type) ||
        ['void', 'await'].includes(last.text) ||
        (last.line < line && [')', 'string', 'word'].includes(last.type)));
      depth += '{(['.includes(type) - '})]'.includes(type);
      let open = -1;
      if (isStart && type === '(' && tokens[i + 1]?.text === 'async')
        open = closing(i) + 1;
      else if (isStart && type === 'word' && isAsync.has(tokens[i].text))
        open = i + 1;
      const end = tokens[open]?.type === '(' ? closing(open) : -1;
      if (open > 0 && end > 0)
        calls.push([tokens[i].at, tokens[end].at + 1]);
    }
    for (const [from, to] of calls.reverse())
      text = `${text.slice(0, from)}globalThis.${name}.wait(` +
        `${text.slice(from, to)})${text.slice(to)}`;
    return text;
  }

  // ---- notes

  watchTests() {
    const witness = this;
    const { runInAsyncScope } = AsyncResource.prototype;
    const run = function (fn, self, ...args) {
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
    Object.defineProperty(AsyncResource.prototype, 'runInAsyncScope',
      { value: run, writable: false, configurable: false });
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
    this.checkIntrinsics();
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
    Witness.pin(assert, []);
    Witness.pin(assert.strict, []);
  }

  static pin(object, except) {
    for (const key of ownKeys(object)) {
      const { writable, value } = getOwnPropertyDescriptor(object, key);
      if (writable && typeof value === 'function' && !except.includes(key))
        Object.defineProperty(object, key,
          { writable: false, configurable: false });
    }
  }

  /*
   * The language's own functions.  Tests that speak of a name themselves, as
   * those of a polyfill or with mocks of their own, may have it replaced.
   */
  watchIntrinsics(tokens) {
    const own = new Set(MAY_CHANGE);
    tokens.forEach((token, i) => {
      const [before, after] = [tokens[i - 1], tokens[i + 1]];
      if (tokens[i - 2]?.text === 'prototype' && before?.type === '.')
        own.add(token.text);
      if (before?.type === '.' && after?.type === '=' &&
          tokens[i + 2]?.type !== '=')
        own.add(token.text);
      if (token.value !== undefined)
        own.add(token.value);
    });
    if (tokens.some((token) => PATCHING.includes(token.text)))
      return;
    Witness.pin(require('node:test'), []);
    for (const name of Object.keys(PINNED))
      Witness.pin(PINNED[name], [...own]);
    for (const [name, object] of Object.entries(WATCHED)) {
      this.watch(`${name}.prototype`, object.prototype, own);
      this.intrinsics.push([name, object, Symbol.hasInstance, undefined]);
    }
    this.watch('Promise', Promise, own);
    for (const key of WATCHED_GLOBALS)
      if (!own.has(key))
        this.intrinsics.push(['the global', globalThis, key, globalThis[key]]);
  }

  watch(where, object, except) {
    for (const key of ownKeys(object)) {
      const { value } = getOwnPropertyDescriptor(object, key);
      if (typeof value === 'function' && !except.has(key))
        this.intrinsics.push([where, object, key, value]);
    }
  }

  checkIntrinsics() {
    for (let i = 0; i < this.intrinsics.length; i++) {
      const one = this.intrinsics[i];
      if (getOwnPropertyDescriptor(one[1], one[2])?.value !== one[3]) {
        this.report(`${one[0]}.${one[2].description ?? one[2]} was replaced`);
        this.intrinsics.length = 0;
      }
    }
  }
}

module.exports = { Witness };
