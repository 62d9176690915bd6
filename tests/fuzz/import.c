/* SPDX-License-Identifier: Apache-2.0
 *
 * What the importer reads from others: lines of its journal, locations that a server names, names of files,
 * date ranges, text for a terminal. The first byte chooses.
 */
#include <string.h>

#include "base/check.h"
#include "fuzz.h"
#include "import/journal_index.h"
#include "import/tally.h"
#include "import/upload.h"

/* A damaged line is refused; with a right checksum before it, any content is safe to take in. */
static void fuzz_journal(struct alb_str s)
{
    struct alb_journal_line line;
    struct alb_journal_index index = {.files = NULL};
    struct alb_buf text = ALB_BUF_INIT((size_t)1 << 20);

    alb_ignore(alb_journal_line_parse(s, &line), "must only survive it");
    alb_journal_line_write(&text, s);
    struct alb_str whole = alb_buf_view(&text);
    whole.n--; /* the newline */
    if (alb_journal_line_parse(whole, &line)) {
        ALB_CHECK(line.text_n <= ALB_IMPORT_PATH_MAX && strlen(line.text) == line.text_n);
        ALB_CHECK(alb_journal_index_add(&index, &line, NULL) == ALB_OK);
        ALB_CHECK(alb_journal_index_live(&index, &line) ==
                  (line.kind == 'H' || line.kind == 'U' || (line.kind == 'D' && line.labels != 0)));
    }
    alb_journal_index_fini(&index);
    alb_buf_fini(&text);
}

/* Whatever a server says: below our base, one line, no blanks. */
static void fuzz_target(struct alb_str s)
{
    struct alb_buf out = ALB_BUF_INIT((size_t)1 << 20);

    if (alb_upload_target(ALB_STR("https://host:1/prefix"), s, &out)) {
        struct alb_str t = alb_buf_view(&out);
        ALB_CHECK(t.n > 0 && t.p[0] == '/' && !alb_str_has_control(t) &&
                  alb_str_find(t, ' ') == ALB_STR_NPOS);
    }
    alb_buf_fini(&out);
}

static void fuzz_name(struct alb_str s)
{
    static const char *const bans[] = {"*_copy*", "a/b/*", "x/"};
    struct alb_select select = {.bans = bans, .bans_n = ALB_ARRAY_LEN(bans)};
    char room[16];
    int day = alb_date_from_name(s);

    ALB_CHECK(day == 0 || (day >= 19000101 && day <= 20991231));
    ALB_CHECK(alb_extension_of(s, room).n < sizeof(room));
    alb_ignore(alb_select_banned(&select, s, false) + alb_select_banned(&select, s, true),
               "must only survive it");
    ALB_CHECK(alb_select_name(&select, s) != ALB_SKIP_NONE);
}

static void fuzz_range(struct alb_str s)
{
    struct alb_date_range r;

    if (alb_date_range_parse(s, &r, NULL) == ALB_OK)
        ALB_CHECK(r.to == 0 || r.from <= r.to);
    else
        ALB_CHECK(r.from == 0 && r.to == 0);
}

static void fuzz_text(struct alb_str s)
{
    struct alb_buf out = ALB_BUF_INIT((size_t)64 << 20);

    alb_tally_safe_text(&out, s);
    ALB_CHECK(alb_buf_code(&out) == ALB_OK);
    ALB_CHECK(alb_str_is_utf8(alb_buf_view(&out)) && !alb_str_has_control(alb_buf_view(&out)));
    alb_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(struct alb_str) = {fuzz_journal, fuzz_target, fuzz_name, fuzz_range,
                                                    fuzz_text};
    size_t part = fuzz_take_byte(&data, &size) % ALB_ARRAY_LEN(parts);

    parts[part](alb_str_n((const char *)data, size));
    return 0;
}
