// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';import {test} from 'node:test';import {f} from './solution.js';
test('a',()=>{assert.equal(f(1),2)});
