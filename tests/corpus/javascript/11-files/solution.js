'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');

async function* walk(folder) {
  const entries = await fs.promises.readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory())
      yield* walk(full);
    else if (entry.isFile())
      yield full;
  }
}

async function concatenate(folder, target) {
  const output = fs.createWriteStream(target);
  for await (const file of walk(folder))
    await pipeline(fs.createReadStream(file), output, { end: false });
  await new Promise((resolve) => output.end(resolve));
  return fs.statSync(target).size;
}

function writeAtomically(target, data) {
  const temporary = `${target}.${process.pid}.part`;
  fs.writeFileSync(temporary, data);
  fs.renameSync(temporary, target);
}

class Journal {
  constructor(file) {
    this.fd = fs.openSync(file, 'a+');
  }

  append(entry) {
    fs.writeSync(this.fd, JSON.stringify(entry) + '\n');
  }

  read() {
    const text = Buffer.alloc(fs.fstatSync(this.fd).size);
    fs.readSync(this.fd, text, 0, text.length, 0);
    return text.toString().split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  close() {
    fs.closeSync(this.fd);
  }
}

module.exports = { walk, concatenate, writeAtomically, Journal };
