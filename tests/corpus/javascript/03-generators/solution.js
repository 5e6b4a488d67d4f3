'use strict';

function* naturals(from = 0) {
  for (let n = from; ; n++)
    yield n;
}

function* collatz(n) {
  while (n !== 1) {
    yield n;
    n = n % 2 ? 3 * n + 1 : n / 2;
  }
  yield 1;
}

class Lazy {
  constructor(iterable) {
    this.iterable = iterable;
  }

  static of(iterable) {
    return new Lazy(iterable);
  }

  map(f) {
    const source = this.iterable;
    return new Lazy((function* () {
      for (const x of source)
        yield f(x);
    })());
  }

  filter(f) {
    const source = this.iterable;
    return new Lazy((function* () {
      for (const x of source)
        if (f(x))
          yield x;
    })());
  }

  take(n) {
    const source = this.iterable;
    return new Lazy((function* () {
      if (n <= 0)
        return;
      let left = n;
      for (const x of source) {
        yield x;
        if (--left === 0)
          return;
      }
    })());
  }

  toArray() {
    return [...this.iterable];
  }
}

async function* ticks(count, ms) {
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    yield i;
  }
}

module.exports = { naturals, collatz, Lazy, ticks };
