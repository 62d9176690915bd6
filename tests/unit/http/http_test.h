/* SPDX-License-Identifier: Apache-2.0
 *
 * What the unit tests of http share: cmocka with its includes, views compared with literals.
 */
#ifndef ALB_TESTS_HTTP_TEST_H
#define ALB_TESTS_HTTP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"

#define assert_str(s, literal)                                                                               \
    do {                                                                                                     \
        struct alb_str s_ = (s);                                                                             \
        if (s_.n != strlen(literal) || memcmp(s_.n > 0 ? s_.p : "", literal, s_.n) != 0)                     \
            fail_msg("\"%.*s\" is not \"%s\"", (int)s_.n, s_.p ? s_.p : "", literal);                        \
    } while (0)

#endif
