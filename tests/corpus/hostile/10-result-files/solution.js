'use strict';
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');

const attempt = (name, f) => {
  try {
    f();
    console.log(`${name}: done`);
  } catch (error) {
    console.log(`${name}: ${error.code ?? error.message}`);
  }
};

attempt('symlink', () => fs.symlinkSync('/etc/hostname', 'out.txt'));
attempt('fifo', () => execFileSync('mkfifo', ['fifo.txt'], { stdio: 'ignore' }));
attempt('hard link', () => {
  fs.writeFileSync('other', 'secret of another file\n');
  fs.linkSync('other', 'hard.txt');
});
attempt('folder', () => fs.mkdirSync('folder.txt'));
attempt('parent', () => fs.symlinkSync('/etc', 'dir'));
attempt('sparse', () => {
  fs.closeSync(fs.openSync('big.txt', 'w'));
  fs.truncateSync('big.txt', 200 << 20);
});
attempt('real', () => fs.writeFileSync('real.txt', 'harmless\n'));

const server = net.createServer();
server.on('error', (error) => console.log('socket:', error.code));
server.listen('socket.txt');
setTimeout(() => {
  console.log('end');
  process.exit(0); // without unlinking the socket
}, 200);
