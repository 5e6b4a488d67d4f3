/* SPDX-License-Identifier: Apache-2.0 */
#include "solution.h"
int puts_count; static int puts2(void){return 0;}
int main(void){return f(1)==2 && puts2()==0 ? 0 : 1;}
