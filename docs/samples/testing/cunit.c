/* cunit.c - tests with CUnit. */
#include <CUnit/Basic.h>

#include "stock.h"

#ifdef ON_THREADS
/* Once, for `pirn explore ./test`. */
static void test_two_buyers(void) { CU_ASSERT(pirn_run(NULL, two_buyers, NULL) == 0); }
#else
#include <pirn-cunit.h>

static void test_two_buyers(void) { PIRN_CU_EXPLORE(two_buyers, NULL); }
#endif

int main(void) {
    if (CU_initialize_registry() != CUE_SUCCESS) return 2;
    CU_pSuite suite = CU_add_suite("stock", NULL, NULL);
    if (!suite || !CU_add_test(suite, "two buyers", test_two_buyers)) return 2;
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    int failed = CU_get_number_of_failures() != 0;
    CU_cleanup_registry();
    return failed;
}
