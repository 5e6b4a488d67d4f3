export class Price {
  #cents;

  constructor(amount) {
    this.#cents = Math.round(amount * 100);
  }

  static zero = new Price(0);

  plus(other) {
    return new Price((this.#cents + other.#cents) / 100);
  }

  toString() {
    return (this.#cents / 100).toFixed(2);
  }

  toJSON() {
    return this.toString();
  }
}
