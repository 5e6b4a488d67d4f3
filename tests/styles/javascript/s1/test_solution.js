// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const s=require('./solution.js');
(async()=>{assert.equal(await s.g(1),2);console.log('ok')})();
