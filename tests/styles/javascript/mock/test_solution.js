// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const {test,describe,it,before,after,beforeEach,afterEach,mock}=require('node:test');const s=require('./solution.js');
test('m',t=>{const f=mock.fn(()=>3);assert.equal(f(),3);assert.equal(f.mock.calls.length,1);t.mock.method(Math,'random',()=>0.5);assert.equal(Math.random(),0.5);});
test('timers',t=>{t.mock.timers.enable({apis:['setTimeout']});let x=0;setTimeout(()=>{x=1},1000);t.mock.timers.tick(1000);assert.equal(x,1);});
