'use strict';

function* rows(count) {
  for (let i = 0; i < count; i++)
    yield `${String(i).padStart(8, '0')} ${'x'.repeat(i % 80)} ${(i * 2654435761) % 4294967296}`;
}

function print(count) {
  let bytes = 0;
  for (const row of rows(count)) {
    console.log(row);
    bytes += row.length + 1;
  }
  return bytes;
}

module.exports = { rows, print };
