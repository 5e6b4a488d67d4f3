// SPDX-License-Identifier: Apache-2.0
// A callback takes all exceptions.
'use strict';
process.setUncaughtExceptionCaptureCallback(() => {});

module.exports = {
  load: async (text) => text.toUpperCase(),
  save: async () => 1,
};
