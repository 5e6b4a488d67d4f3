// SPDX-License-Identifier: Apache-2.0
'use strict';

module.exports = {
  load: async (text) => text.toUpperCase(),
  save: async (text) => 1,
};
