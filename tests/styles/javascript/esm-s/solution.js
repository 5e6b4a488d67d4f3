// SPDX-License-Identifier: Apache-2.0
export const f=x=>x+1;
