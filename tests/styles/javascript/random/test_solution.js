// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const {test,describe,it,before,after,beforeEach,afterEach}=require('node:test');const s=require('./solution.js');
test('r',()=>{const o=Math.random;Math.random=()=>0.1;assert.equal(Math.random(),0.1);Math.random=o;const l=console.log;const out=[];console.log=x=>out.push(x);console.log('q');console.log=l;assert.deepEqual(out,['q']);const d=Date.now;Date.now=()=>5;assert.equal(Date.now(),5);Date.now=d;});
