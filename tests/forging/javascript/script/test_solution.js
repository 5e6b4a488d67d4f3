// SPDX-License-Identifier: Apache-2.0
'use strict';
const assert = require('assert');
const { add, isEven, join } = require('./solution.js');

assert.strictEqual(add(1, 2), 3);
assert.strictEqual(add(-5, 5), 0);
assert(isEven(4));
assert.equal(isEven(5), false);
assert.deepStrictEqual(join(['a', 'b']), 'a, b');
console.log('all good');
