// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const {test,describe,it,before,after,beforeEach,afterEach}=require('node:test');const s=require('./solution.js');
test('p',()=>{assert.equal([1,2].last(),2);assert.deepEqual(Array.prototype.flat.call([[1]]),[1]);assert.deepEqual([[1]].flat(),[1]);});
