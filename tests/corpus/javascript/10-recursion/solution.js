'use strict';

function sudoku(grid) {
  const cells = [...grid].map(Number);
  const fits = (at, n) => {
    const [row, column] = [Math.floor(at / 9), at % 9];
    const box = row - (row % 3) * 1;
    for (let i = 0; i < 9; i++) {
      if (cells[row * 9 + i] === n || cells[i * 9 + column] === n)
        return false;
      const r = box + Math.floor(i / 3);
      const c = column - (column % 3) + (i % 3);
      if (cells[r * 9 + c] === n)
        return false;
    }
    return true;
  };
  const solve = (from) => {
    const at = cells.indexOf(0, from);
    if (at < 0)
      return true;
    for (let n = 1; n <= 9; n++) {
      if (!fits(at, n))
        continue;
      cells[at] = n;
      if (solve(at + 1))
        return true;
      cells[at] = 0;
    }
    return false;
  };
  return solve(0) ? cells.join('') : null;
}

function partitions(n, most = n, memo = new Map()) {
  if (n === 0)
    return 1n;
  if (n < 0 || most === 0)
    return 0n;
  const key = `${n},${most}`;
  if (!memo.has(key))
    memo.set(key, partitions(n - most, most, memo) + partitions(n, most - 1, memo));
  return memo.get(key);
}

const flatten = (value) =>
  Array.isArray(value) ? value.flatMap(flatten) : [value];

const depth = (n) => (n === 0 ? 0 : 1 + depth(n - 1));

module.exports = { sudoku, partitions, flatten, depth };
