#define _POSIX_C_SOURCE 200809L
#include "../check.h"

#include "num/isa.h"

#include <stdlib.h>

TEST(the_environment_may_ask_for_less_than_the_machine_has_but_not_for_more) {
    unsetenv("DURESS_ISA");
    Isa machine = isa_force(ISA_COUNT);
    CHECK(machine < ISA_COUNT);

    setenv("DURESS_ISA", "sse2", 1);
    CHECK(isa_force(ISA_COUNT) == ISA_BASE);
    CHECK(isa_best() == ISA_BASE);
    setenv("DURESS_ISA", "avx512", 1);
    CHECK(isa_force(ISA_COUNT) == machine);
    setenv("DURESS_ISA", "abacus", 1);
    CHECK(isa_force(ISA_COUNT) == machine);
    unsetenv("DURESS_ISA");
}

TEST(a_forced_isa_stays_until_it_is_given_back) {
    Isa machine = isa_force(ISA_COUNT);
    CHECK(isa_force(ISA_BASE) == ISA_BASE);
    CHECK(isa_best() == ISA_BASE);
    CHECK(isa_force(ISA_AVX512) == machine || machine == ISA_AVX512);
    CHECK(isa_force(ISA_COUNT) == machine);
}

TEST(each_isa_has_its_name) {
    assert_string_equal(isa_name(ISA_BASE), "sse2");
    assert_string_equal(isa_name(ISA_AVX2), "avx2");
    assert_string_equal(isa_name(ISA_AVX512), "avx512");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(the_environment_may_ask_for_less_than_the_machine_has_but_not_for_more),
        RUN(a_forced_isa_stays_until_it_is_given_back),
        RUN(each_isa_has_its_name),
    };
    return cmocka_run_group_tests_name("num: isa", tests, NULL, NULL);
}
