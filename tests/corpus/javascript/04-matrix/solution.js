'use strict';

const zeros = (n, m = n) => Array.from({ length: n }, () => new Float64Array(m));

function identity(n) {
  const result = zeros(n);
  for (let i = 0; i < n; i++)
    result[i][i] = 1;
  return result;
}

function multiply(a, b) {
  const result = zeros(a.length, b[0].length);
  for (let i = 0; i < a.length; i++)
    for (let k = 0; k < b.length; k++)
      for (let j = 0; j < b[0].length; j++)
        result[i][j] += a[i][k] * b[k][j];
  return result;
}

/* Gauss-Jordan with partial pivoting; never looks whether the pivot is 0. */
function inverse(a) {
  const n = a.length;
  const left = a.map((row) => Float64Array.from(row));
  const right = identity(n);
  for (let c = 0; c < n; c++) {
    let best = c;
    for (let r = c + 1; r < n; r++)
      if (Math.abs(left[r][c]) > Math.abs(left[best][c]))
        best = r;
    for (const m of [left, right])
      [m[c], m[best]] = [m[best], m[c]];
    const pivot = left[c][c];
    for (let j = 0; j < n; j++) {
      left[c][j] /= pivot;
      right[c][j] /= pivot;
    }
    for (let r = 0; r < n; r++) {
      if (r === c)
        continue;
      const factor = left[r][c];
      for (let j = 0; j < n; j++) {
        left[r][j] -= factor * left[c][j];
        right[r][j] -= factor * right[c][j];
      }
    }
  }
  return right;
}

const transpose = (a) => Array.from(a[0], (_, j) => Float64Array.from(a, (row) => row[j]));

function integrate(f, a, b, n = 1000) {
  const h = (b - a) / n;
  let sum = f(a) + f(b);
  for (let i = 1; i < n; i++)
    sum += f(a + i * h) * (i % 2 ? 4 : 2);
  return (sum * h) / 3;
}

module.exports = { identity, multiply, inverse, transpose, integrate };
