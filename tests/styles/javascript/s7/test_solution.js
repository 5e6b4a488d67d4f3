// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const s=require('./solution.js');
function t(n,f){try{f();console.log('ok',n)}catch(e){console.log('bad',n);process.exitCode=1}}
t('a',()=>assert.equal(s.f(1),2));void (async()=>{await s.g(2)})();
