'use strict';

class Stack {
  #items = [];

  push(...items) {
    this.#items.push(...items);
    return this;
  }

  pop() {
    if (this.#items.length === 0)
      throw new RangeError('the stack is empty');
    return this.#items.pop();
  }

  get size() {
    return this.#items.length;
  }

  *[Symbol.iterator]() {
    for (let i = this.#items.length - 1; i >= 0; i--)
      yield this.#items[i];
  }
}

/* Two stacks make a queue. */
class Queue {
  #in = new Stack();
  #out = new Stack();

  put(item) {
    this.#in.push(item);
  }

  take() {
    if (this.#out.size === 0)
      while (this.#in.size > 0)
        this.#out.push(this.#in.pop());
    return this.#out.pop();
  }

  get size() {
    return this.#in.size + this.#out.size;
  }
}

module.exports = { Stack, Queue };
