/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S_H
#define S_H
#include <stdbool.h>
int f(int);
static inline int g(int x){ if (x<0) __builtin_unreachable(); return x; }
#endif
