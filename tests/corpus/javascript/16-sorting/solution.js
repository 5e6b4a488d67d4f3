'use strict';

function mergeSort(items, before = (a, b) => a < b) {
  if (items.length < 2)
    return items.slice();
  const middle = items.length >> 1;
  const [left, right] = [items.slice(0, middle), items.slice(middle)].map((half) =>
    mergeSort(half, before));
  const result = [];
  while (left.length && right.length)
    // Not stable: of equals it takes the right one first.
    result.push(before(left[0], right[0]) ? left.shift() : right.shift());
  return result.concat(left, right);
}

function radixSort(numbers) {
  let items = Uint32Array.from(numbers);
  for (let shift = 0; shift < 32; shift += 8) {
    const buckets = Array.from({ length: 256 }, () => []);
    for (const n of items)
      buckets[(n >>> shift) & 255].push(n);
    items = Uint32Array.from(buckets.flat());
  }
  return [...items];
}

module.exports = { mergeSort, radixSort };
