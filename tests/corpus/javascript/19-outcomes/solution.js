'use strict';

class Thermostat {
  constructor(target = 20) {
    this.target = target;
    this.log = [];
  }

  measure(degrees) {
    this.log.push(degrees);
    return degrees < this.target ? 'heat' : 'off'; // never cools
  }

  async slowly(ms) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return this.log.length;
  }
}

module.exports = { Thermostat };
