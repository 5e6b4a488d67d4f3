// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const s=require('./solution.js');
async function main(){assert.equal(await s.g(1),2);console.log('ok')}
main().catch(e=>{console.error(e);process.exit(1)});
