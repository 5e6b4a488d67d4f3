'use strict';
const assert = require('assert');
const { curry, pipe, once, counter, throttle } = require('./solution');

const add3 = curry((a, b, c) => a + b + c);
assert.strictEqual(add3(1)(2)(3), 6);
assert.strictEqual(add3(1, 2)(3), 6);

assert.strictEqual(pipe(Math.abs, Math.sqrt, String)(-16), '4');

let calls = 0;
const init = once(() => ++calls);
init();
init();
assert.strictEqual(calls, 1);

const a = counter();
const b = counter(10);
a.up();
b.up();
b.up();
a.down();
assert.deepStrictEqual([a.value, b.value], [0, 20]);

let clock = 0;
const limited = throttle((x) => x, 100, () => clock);
assert.strictEqual(limited('first'), 'first');
clock = 50;
assert.strictEqual(limited('second'), undefined);
clock = 150;
assert.strictEqual(limited('third'), 'third');

setTimeout(() => console.log('all good'), 5);
