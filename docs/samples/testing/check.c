/* check.c - tests with Check. It forks for each test, which pirn explore does not want: CK_FORK=no. */
#include <check.h>
#include <stdlib.h>

#include "explored.h"
#include "stock.h"

START_TEST(test_two_buyers) { ck_assert_str_eq(explored(two_buyers, NULL), ""); }
END_TEST

int main(void) {
    Suite *suite = suite_create("stock");
    TCase *test_case = tcase_create("buyers");
    tcase_add_test(test_case, test_two_buyers);
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner) != 0;
    srunner_free(runner);
    return failed;
}
