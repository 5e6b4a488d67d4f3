// SPDX-License-Identifier: Apache-2.0
/*
 * Values from outside: where they are from, what they have been made safe for,
 * and what is known of the text around them.  Immutable.
 */
'use strict';

/* What a value can be made safe for, one bit each. */
const FOR = { sql: 1, shell: 2, html: 4, path: 8, url: 16, code: 32,
  regex: 64, log: 128, nosql: 256, header: 512, ldap: 1024, redirect: 2048,
  template: 4096, proto: 8192 };
const ALL = 0x3fff;

/* Who says what the value is; the stronger one of two is told. */
const STRENGTH = { req: 5, message: 4, dom: 4, stdin: 3, argv: 3, remote: 2,
  param: 1, env: 0 };

class Taint {
  constructor(kind, what, fields) {
    this.kind = kind;
    this.what = what;       // "req.query.id"
    this.clean = 0;         // FOR bits
    this.isObject = false;  // may be an object that the sender chose
    this.isWhole = false;   // the whole request, not one text of it
    this.prefix = null;     // constant text before it, null: not joined
    this.text = '';         // the constant parts of what it was joined to
    Object.assign(this, fields);
  }

  with(fields) {
    return Object.assign(Object.create(Taint.prototype), this, fields);
  }

  cleaned(mask) {
    const clean = this.clean | mask;
    if (clean === ALL)
      return null;
    return clean === this.clean ? this : this.with({ clean });
  }

  same(other) {
    return other && this.kind === other.kind && this.what === other.what &&
      this.clean === other.clean && this.isObject === other.isObject &&
      this.prefix === other.prefix && this.text === other.text;
  }
}

/* Either of two values: as bad as the worse of them. */
function either(a, b) {
  if (!a || !b || a === b)
    return a || b;
  const [strong, weak] = STRENGTH[b.kind] > STRENGTH[a.kind] ? [b, a] : [a, b];
  if (strong.clean === weak.clean && strong.isObject === weak.isObject)
    return strong;
  return strong.with({ clean: strong.clean & weak.clean,
    isObject: strong.isObject || weak.isObject });
}

const SAYS_NOTHING_PROPERTIES = new Set(['length', 'size', 'byteLength',
  'status', 'statusCode', 'ok', 'constructor']);

/* A part of a value; name null: any part. */
function field(value, name) {
  if (!value || (name !== null && SAYS_NOTHING_PROPERTIES.has(name)))
    return null;
  if (value.isUrl && ['hostname', 'host', 'origin', 'protocol', 'port']
    .includes(name))
    return null;
  if (!value.isWhole && !value.inObject && !value.isPartial)
    return value;
  return value.with({ isWhole: false, inObject: false, isPartial: false,
    what: value.isWhole && name && value.what.length < 60 ?
      `${value.what}.${name}` : value.what });
}

/* What variables hold at one point: keys are "3" or "3.name.name". */
class Env {
  constructor(from) {
    this.map = new Map(from ? from.map : undefined);
  }

  /* undefined: nothing is known; null: harmless. */
  get(key) {
    if (this.map.has(key))
      return this.map.get(key);
    for (let at = key.lastIndexOf('.'); at > 0;
      at = key.lastIndexOf('.', at - 1)) {
      const value = this.map.get(key.slice(0, at));
      if (value !== undefined)
        return value && value.isPartial ? undefined : value;
    }
    return undefined;
  }

  /* The parts of an older value go with it. */
  set(key, value) {
    if (!key.includes('.')) {
      const prefix = `${key}.`;
      for (const one of this.map.keys())
        if (one.startsWith(prefix))
          this.map.delete(one);
    }
    this.map.set(key, value);
    const dot = key.indexOf('.');
    if (value && dot > 0 && !this.map.get(key.slice(0, dot)))
      this.map.set(key.slice(0, dot), value.with({ isPartial: true }));
  }

  join(other) {
    for (const [key, value] of other.map) {
      const mine = this.get(key);
      if (mine === undefined && value === null && key.includes('.'))
        continue;
      this.map.set(key, mine === undefined ? value : either(mine, value));
    }
    for (const [key, value] of this.map)
      if (value === null && !other.map.has(key)) {
        const theirs = other.get(key);
        if (theirs !== undefined)
          this.map.set(key, theirs);
        else if (key.includes('.') || key.startsWith('@'))
          this.map.delete(key);
      }
    return this;
  }
}

module.exports = { Taint, Env, either, field, FOR, ALL };
