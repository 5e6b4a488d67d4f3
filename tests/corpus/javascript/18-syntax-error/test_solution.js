'use strict';
const test = require('node:test');
const assert = require('node:assert');

test('before the import', () => {});

const { clamp } = require('./solution');

test('clamp', () => assert.strictEqual(clamp(5, 0, 3), 3));
