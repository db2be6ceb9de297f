/* cmocka.c - tests with cmocka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "explored.h"
#include "stock.h"

static void test_two_buyers(void **state) {
    (void)state;
    assert_string_equal(explored(two_buyers, NULL), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_buyers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
