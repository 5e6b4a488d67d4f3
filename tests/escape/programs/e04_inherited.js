// SPDX-License-Identifier: Apache-2.0
// E04: as e04_inherited.c, for Node, which opens descriptors of its own.
'use strict';
const fs = require('fs');
const found = [];
for (let fd = 0; fd < 4096; fd++) {
  try {
    if (fs.fstatSync(fd).isSocket())
      found.push(fd);
  } catch {
    // not open
  }
}
let sent = 0;
for (const fd of found) {
  try {
    fs.writeSync(fd, 'leak');
    sent++;
  } catch {
    // not connected
  }
}
console.log(`attempt send ${sent ? 'done' : 'blocked'} ${sent}`);
console.log(
  `attempt socket-fds ${found.length ? 'done' : 'blocked'} ${found.length}`);
