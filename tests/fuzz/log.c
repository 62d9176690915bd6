/* SPDX-License-Identifier: Apache-2.0
 *
 * One log record with hostile values: never longer than its room, always one line of valid UTF-8 without
 * control characters, in JSON readable by another library, and no value can make a field of its own.
 */
#include <jansson.h>
#include <string.h>

#include "base/check.h"
#include "base/log_format.h"
#include "fuzz.h"

/* A record of one line that a terminal can show. */
static void check_line(struct alb_str line)
{
    uint32_t c;

    ALB_CHECK(line.n > 0 && line.n <= ALB_LOG_LINE_MAX && line.p[line.n - 1] == '\n');
    line.n--;
    ALB_CHECK(!alb_str_has_control(line) && alb_str_is_utf8(line));
    while (line.n > 0) {
        size_t len = alb_utf8_next(line, &c);
        ALB_CHECK(!(c >= 0x80 && c < 0xa0) && c != 0x2028 && c != 0x202e);
        line = alb_str_from(line, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[ALB_LOG_LINE_MAX];
    size_t split = size > 0 ? data[0] % size : 0;
    struct alb_str a = alb_str_n((const char *)data, split);
    struct alb_str b = alb_str_n((const char *)data + split, size - split);
    double ms = (double)size * 1e3;
    if (size >= 9)
        memcpy(&ms, data + 1, sizeof(ms));
    const struct alb_log_field end = {NULL, ALB_F_END, {.u = 0}};
    const struct alb_log_field inner[] = {ALB_LOG_STR("a", b), ALB_LOG_F64("f", ms), end};
    const struct alb_log_field group[] = {ALB_LOG_STR("b", a), ALB_LOG_GROUP("in", inner), end};
    const struct alb_log_field fields[] = {
        ALB_LOG_STR("a", a),         ALB_LOG_INT("i", (int64_t)size - 7), {"ms", ALB_F_MS, {.ms = ms}},
        ALB_LOG_STR("b", b),         ALB_LOG_SECRET("password"),          ALB_LOG_BOOL("ok", split > 3),
        ALB_LOG_GROUP("g", group),   end,
    };

    size_t n = alb_log_format(line, ALB_LOG_JSON, ALB_LOG_WARN, "fuzz", fields);
    check_line(alb_str_n(line, n));
    json_error_t error;
    json_t *tree = json_loadb(line, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    ALB_CHECK(tree != NULL);
    ALB_CHECK(strcmp(json_string_value(json_object_get(tree, "event")), "fuzz") == 0);
    json_t *v = json_object_get(tree, "a");
    if (v != NULL && json_object_get(tree, "cut") == NULL && alb_str_is_utf8(a))
        ALB_CHECK(alb_str_eq(a, alb_str_n(json_string_value(v), json_string_length(v))));
    json_decref(tree);

    for (enum alb_log_format f = ALB_LOG_LOGFMT; f < ALB_LOG_FORMAT_COUNT; f++) {
        n = alb_log_format(line, f, ALB_LOG_WARN, "fuzz", fields);
        check_line(alb_str_n(line, n));
    }
    return 0;
}
