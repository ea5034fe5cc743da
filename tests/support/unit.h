/* cmocka and what it needs before it. Its `fail` macro gives way to core/status.h's function; a test that must
 * fail by hand says fail_msg. */
#ifndef Y9_TESTS_UNIT_H
#define Y9_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#undef fail
#undef fail_msg
#define fail_msg(...)              \
    do {                           \
        print_error(__VA_ARGS__);  \
        print_error("\n");         \
        _fail(__FILE__, __LINE__); \
    } while (0)

/* A call that succeeds, else its sentence. */
#define assert_ok(call)                   \
    do {                                  \
        const enum status said_ = (call); \
        if (said_ != OK)                  \
            fail_msg("%s", fail_text());  \
    } while (0)

#endif
