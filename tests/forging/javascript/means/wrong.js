// SPDX-License-Identifier: Apache-2.0
'use strict';

module.exports = {
  half: (n) => n,
  squares: (n) => n * n,
  words: () => ['hello', 'all'],
  report: () => 'total: 3',
};
