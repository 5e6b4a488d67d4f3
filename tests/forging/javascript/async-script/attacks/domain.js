// SPDX-License-Identifier: Apache-2.0
// A domain takes all exceptions.
'use strict';
const domain = require('domain').create();
domain.on('error', () => {});
domain.enter();

module.exports = {
  load: async (text) => text.toUpperCase(),
  save: async () => 1,
};
