/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>
#include "solution.h"
int main(void){assert(strlen("abc")==3);assert(strcmp("a","b")<0);assert(f(1)==2);return 0;}
