// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';import {f} from './solution.js';
async function main(){assert.equal(f(1),2)}
await main();
