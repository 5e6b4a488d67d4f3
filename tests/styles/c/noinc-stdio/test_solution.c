/* SPDX-License-Identifier: Apache-2.0 */
#include "solution.h"
extern int printf(const char*,...);
int main(void){printf("x\n");return f(1)!=2;}
