'use strict';

const curry = (f) =>
  function step(...given) {
    return given.length >= f.length ? f(...given) : (...more) => step(...given, ...more);
  };

const pipe = (...functions) => (x) => functions.reduce((value, f) => f(value), x);

function once(f) {
  let state = { done: false };
  return (...args) => {
    if (!state.done)
      state = { done: true, value: f(...args) };
    return state.value;
  };
}

function counter(step = 1) {
  let n = 0;
  return { up: () => (n += step), down: () => (n -= step), get value() { return n; } };
}

function throttle(f, every, now = Date.now) {
  let last = -Infinity;
  return (...args) => {
    if (now() - last < every)
      return undefined;
    last = now();
    return f(...args);
  };
}

module.exports = { curry, pipe, once, counter, throttle };
