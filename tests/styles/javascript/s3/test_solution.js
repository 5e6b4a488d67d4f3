// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const s=require('./solution.js');
async function main(){assert.equal(await s.g(1),2);process.exit(0)}
main()
