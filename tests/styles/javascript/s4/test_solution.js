// SPDX-License-Identifier: Apache-2.0
const assert=require('assert')
const s=require('./solution.js')
const run=async()=>{assert.equal(await s.g(1),2)}
run().then(()=>console.log('ok'),e=>{console.error(e);process.exitCode=1})
;(async function(){await s.g(1)})()
