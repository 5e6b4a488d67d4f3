/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "solution.h"
static int su(void**s){*s=malloc(4);return 0;} static int td(void**s){free(*s);return 0;}
static void t(void**s){(void)s;assert_int_equal(f(1),2);assert_in_range(f(1),1,3);assert_not_in_range(f(1),5,6);assert_ptr_equal(s,s);assert_ptr_not_equal(s,0);assert_string_not_equal("a","b");assert_memory_not_equal("a","b",1);assert_return_code(0,0);assert_float_equal(1.0f,1.0f,0.1f);assert_non_null(s);assert_null(NULL);assert_true(1);assert_false(0);int set[]={1,2};(void)set;}
static void t2(void**s){(void)s;skip();}
static int cb(int x){check_expected(x);return (int)mock();}
static void t3(void**s){(void)s;expect_value(cb,x,3);will_return(cb,7);assert_int_equal(cb(3),7);}
int main(void){const struct CMUnitTest ts[]={cmocka_unit_test_setup_teardown(t,su,td),cmocka_unit_test(t2),cmocka_unit_test(t3)};return cmocka_run_group_tests(ts,0,0);}
