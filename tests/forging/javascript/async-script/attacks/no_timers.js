// SPDX-License-Identifier: Apache-2.0
// Timers do nothing.
'use strict';
globalThis.setTimeout = () => {};

module.exports = {
  load: async (text) => text.toUpperCase(),
  save: async () => 1,
};
