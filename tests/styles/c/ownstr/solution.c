/* SPDX-License-Identifier: Apache-2.0 */
#include "solution.h"
int f(int x){return x+1;}
#include <stddef.h>
size_t strlen(const char*s){const char*p=s;while(*p)p++;return (size_t)(p-s);}
