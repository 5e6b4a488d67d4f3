// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const s=require('./solution.js');
setTimeout(()=>{assert.equal(s.f(1),2)},10);process.on('exit',c=>{});if(0)process.exit();
