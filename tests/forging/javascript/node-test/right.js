// SPDX-License-Identifier: Apache-2.0
'use strict';

module.exports = {
  add: (a, b) => a + b,
  isEven: (n) => n % 2 === 0,
  join: (words) => words.join(', '),
};
