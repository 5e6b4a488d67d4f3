const assert = require('assert');
const { mergeSort, radixSort } = require('./solution');

let seed = 12345;
const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648);
const numbers = Array.from({ length: 500 }, random);
const sorted = [...numbers].sort((a, b) => a - b);

assert.deepStrictEqual(mergeSort(numbers), sorted);
assert.deepStrictEqual(radixSort(numbers), sorted);
assert.deepStrictEqual(mergeSort([]), []);
console.log('numbers are fine');

const people = [['bob', 30], ['ann', 30], ['zoe', 20]];
const byAge = mergeSort(people, (a, b) => a[1] < b[1]);
assert.deepStrictEqual(byAge.map(([name]) => name), ['zoe', 'bob', 'ann']);
