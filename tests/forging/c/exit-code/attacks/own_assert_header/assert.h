/* SPDX-License-Identifier: Apache-2.0 */
static inline void assert(int condition) { (void)condition; }
