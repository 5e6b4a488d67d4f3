import { readFile } from 'node:fs/promises';
import { Price } from './price.js';

export class Catalog {
  constructor(items) {
    this.items = new Map(items.map((item) => [item.id, item]));
  }

  static async load(url) {
    const { items } = JSON.parse(await readFile(url, 'utf8'));
    return new Catalog(items.map((item) => ({ ...item, price: new Price(item.price) })));
  }

  total(ids) {
    return ids
      .map((id) => this.items.get(id)?.price ?? Price.zero)
      .reduce((a, b) => a.plus(b), Price.zero);
  }

  find(predicate) {
    return [...this.items.values()].filter(predicate);
  }
}

export default Catalog;
