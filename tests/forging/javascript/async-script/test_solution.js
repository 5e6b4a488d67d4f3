// SPDX-License-Identifier: Apache-2.0
'use strict';
const assert = require('assert');
const { load, save } = require('./solution.js');

let failures = 0;

function check(isRight, what) {
  if (isRight)
    return;
  failures++;
  console.error(`${what} is wrong`);
}

async function main() {
  assert.strictEqual(await load('a'), 'A');
  check(await save('b') === 1, 'save');
  if (failures > 0)
    process.exit(1);
  console.log('all good');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

(async () => {
  assert.strictEqual(await load('c'), 'C');
})();

setTimeout(() => assert.strictEqual(save.length, 1), 5);
