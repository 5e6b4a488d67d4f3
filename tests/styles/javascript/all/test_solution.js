// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const {test,describe,it,before,after,beforeEach,afterEach}=require('node:test');const s=require('./solution.js');

let n=0; before(()=>{n=1}); beforeEach(()=>{n++}); afterEach(()=>{}); after(()=>{});
test('a',()=>{assert.equal(s.f(1),2);[1].forEach(x=>assert.ok(x));});
test('cb',(t,done)=>{s.cb(1,(e,v)=>{assert.equal(v,2);done(e)})});
test('sub',async t=>{await t.test('x',()=>assert.equal(s.f(1),2));await t.test('y',async()=>{assert.equal(await s.g(1),2)});});
describe('d',()=>{before(()=>{});it('i',()=>{});describe('e',()=>{it('j',async()=>{await assert.rejects(async()=>{throw new Error('x')})})});it.skip('k',()=>{});it.todo('l');for(const i of [1,2])it('loop'+i,()=>assert.ok(i))});
test('opt',{timeout:1000},()=>{assert.throws(()=>{throw new TypeError('x')},TypeError)});
test('diag',t=>{t.diagnostic('x');assert.deepStrictEqual({a:[1]},{a:[1]})});
