// SPDX-License-Identifier: Apache-2.0
// Everything is an array.
'use strict';
try {
  Array.isArray = () => true;
} catch {
  // it cannot be replaced
}

module.exports = {
  half: (n) => n / 2,
  squares: (n) => n * n,
  words: () => Object.assign('hello', { every: () => true, join: () => 'hello' }),
  report: () => 'total: 3',
};
