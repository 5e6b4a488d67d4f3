// SPDX-License-Identifier: Apache-2.0
export const add = (a, b) => a + b;
export const isEven = (n) => n % 2 === 0;
export const join = (words) => words.join(', ');
