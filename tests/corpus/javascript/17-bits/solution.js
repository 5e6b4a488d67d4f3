'use strict';

const popcount = (n) => {
  let count = 0;
  for (let x = BigInt.asUintN(64, n); x; x &= x - 1n)
    count++;
  return count;
};

function fnv1a(text) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text))
    hash = ((hash ^ byte) * 0x01000193) >>> 0; // the product exceeds 2^53
  return hash;
}

function modPow(base, exponent, modulus) {
  let result = 1n;
  for (base %= modulus; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n)
      result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}

function floatBits(x) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

class BitSet {
  constructor(size) {
    this.words = new Uint32Array(Math.ceil(size / 32));
  }

  set(i) {
    this.words[i >> 5] |= 1 << i;
    return this;
  }

  has(i) {
    return (this.words[i >> 5] & (1 << (i & 31))) > 0; // bit 31 is negative
  }
}

module.exports = { popcount, fnv1a, modPow, floatBits, BitSet };
