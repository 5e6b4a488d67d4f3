'use strict';
const crypto = require('node:crypto');
const zlib = require('node:zlib');
const { Readable, Transform, Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');

class Lines extends Transform {
  #rest = '';

  constructor() {
    super({ readableObjectMode: true });
  }

  _transform(chunk, _encoding, done) {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop();
    lines.forEach((line) => this.push(line));
    done();
  }

  _flush(done) {
    if (this.#rest)
      this.push(this.#rest);
    done();
  }
}

class Collect extends Writable {
  items = [];

  constructor() {
    super({ objectMode: true, highWaterMark: 1 });
  }

  _write(item, _encoding, done) {
    this.items.push(item);
    setImmediate(done);
  }
}

async function lines(chunks) {
  const collect = new Collect();
  await pipeline(Readable.from(chunks), new Lines(), collect);
  return collect.items;
}

async function roundTrip(data) {
  const parts = [];
  await pipeline(Readable.from([data]), zlib.createGzip(), zlib.createGunzip(),
    async (source) => {
      for await (const part of source)
        parts.push(part);
    });
  return Buffer.concat(parts);
}

const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

function seal(key, text) {
  const iv = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv('aes-256-gcm', key, iv);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
}

function open(key, sealed) {
  const decipher = crypto.createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return decipher.update(sealed.subarray(28), undefined, 'utf8') + decipher.final('utf8');
}

module.exports = { lines, roundTrip, sha256, seal, open };
