/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <math.h>
#include <stdbool.h>
#include <errno.h>
#include "solution.h"
#define CHECK(x) do { if (!(x)) { fprintf(stderr, "fail %s\n", #x); exit(EXIT_FAILURE); } } while (0)
static int helper(void) { return 3; }
int main(void) {
 char b[20]; snprintf(b, sizeof b, "%d", f(1));
 CHECK(strcmp(b,"2")==0); CHECK(strlen(b)==1); CHECK(strstr("abc","bc")); CHECK(strchr(b,'2')); CHECK(strrchr(b,'2')); CHECK(memchr(b,'2',1));
 CHECK(fabs(f(1)-2.0)<1e-9); CHECK(abs(-f(1))==2); CHECK(labs(-2L)==2); CHECK(!isnan(1.0)); CHECK(!isinf(1.0f)); CHECK(strcasecmp("A","a")==0); CHECK(strncasecmp("AB","ac",1)==0);
 CHECK(fabsf(1.0f)>0); CHECK(memcmp("a","a",1)==0);
 bool t = f(1)==2; assert(t == true); assert(helper()==3);
 printf("all %s\n", "good"); puts("x"); fputs("y\n", stdout); fprintf(stdout, "z\n");
 switch (f(1)) { case 2: break; default: __builtin_unreachable(); }
 return EXIT_SUCCESS; }
