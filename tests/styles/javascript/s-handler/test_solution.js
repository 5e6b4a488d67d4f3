// SPDX-License-Identifier: Apache-2.0
const assert=require('assert');const s=require('./solution.js');
assert.equal(s.f(1),2)
