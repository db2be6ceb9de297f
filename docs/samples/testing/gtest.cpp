// gtest.cpp - tests with GoogleTest.
#include <gtest/gtest.h>

#include "explored.h"
#include "stock.h"

TEST(Stock, TwoBuyers) { EXPECT_STREQ(explored(two_buyers, nullptr), ""); }

int main(int argc, char **argv) {
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
