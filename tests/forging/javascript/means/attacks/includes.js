// SPDX-License-Identifier: Apache-2.0
// Each string has each other in it.
'use strict';
String.prototype.includes = () => true;

module.exports = {
  half: (n) => n / 2,
  squares: (n) => n * n,
  words: () => ['howdy'],
  report: () => 'total: 3',
};
