/* SPDX-License-Identifier: Apache-2.0
 *
 * See report.h.
 */
#include "import/report.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "import/human.h"

static const struct {
    const char *text, *key;
    bool always; /* a row also when it is 0 */
} rows[ALB_OUTCOME_COUNT] = {
    [ALB_OUTCOME_UPLOADED] = {"uploaded", "uploaded", true},
    [ALB_OUTCOME_WOULD_UPLOAD] = {"would be uploaded", "wouldUpload", false},
    [ALB_OUTCOME_RESTORED] = {"restored", "restored", false},
    [ALB_OUTCOME_DUPLICATE] = {"duplicates", "duplicates", true},
    [ALB_OUTCOME_SKIPPED] = {"skipped", "skipped", true},
    [ALB_OUTCOME_FAILED] = {"failed", "failed", true},
    [ALB_OUTCOME_LEFT] = {"not done", "notDone", false},
};

/* --- table -------------------------------------------------------------------------------------------------
 */

static void row(struct alb_buf *out, const char *indent, const char *name, const struct alb_count *c)
{
    char files[ALB_HUMAN_MAX], bytes[ALB_HUMAN_MAX];
    alb_human_count(c->files, files);
    alb_human_bytes(c->bytes, bytes);
    int width = 36 - (int)strlen(indent);
    alb_buf_printf(out, "%s%-*s %10s %10s\n", indent, width, name, files, bytes);
}

static void skip_rows(struct alb_buf *out, const struct alb_tally_view *v)
{
    for (size_t i = 1; i < ALB_SKIP_COUNT; i++) {
        if (v->skip[i].files == 0)
            continue;
        row(out, "  ", alb_skip_text((enum alb_skip)i), &v->skip[i]);
        if (i != ALB_SKIP_TYPE)
            continue;
        alb_buf_c(out, "    ");
        for (size_t k = 0; k < ALB_TALLY_TYPES && v->types[k].files > 0; k++) {
            char files[ALB_HUMAN_MAX];
            alb_buf_c(out, k > 0 ? ", " : "");
            alb_tally_safe_text(out, alb_str_c(v->types[k].ext));
            alb_buf_printf(out, " %s", alb_human_count(v->types[k].files, files));
        }
        alb_buf_char(out, '\n');
    }
}

static void table(const struct alb_report *r, struct alb_buf *out)
{
    const struct alb_tally_view *v = r->view;
    alb_buf_printf(out, "%-36s %10s %10s\n", "", "files", "size");
    for (size_t i = 0; i < ALB_OUTCOME_COUNT; i++) {
        bool shown = rows[i].always && !(r->dry_run && i == ALB_OUTCOME_UPLOADED);
        if (v->outcome[i].files > 0 || shown)
            row(out, "", rows[i].text, &v->outcome[i]);
        if (i == ALB_OUTCOME_SKIPPED)
            skip_rows(out, v);
    }
    row(out, "", "found", &v->found);
}

static void closing_line(const struct alb_report *r, struct alb_buf *out)
{
    const struct alb_tally_view *v = r->view;
    char a[ALB_HUMAN_MAX], b[ALB_HUMAN_MAX], c[ALB_HUMAN_MAX], d[ALB_HUMAN_MAX];
    double s = (double)r->took_ns / 1e9;
    double per = s > 0.001 ? 1 / s : 0;
    uint64_t done = v->found.files - v->outcome[ALB_OUTCOME_LEFT].files;
    alb_buf_printf(out, "took %s, %s files/s", alb_human_duration(r->took_ns, a),
                   alb_human_rate((double)done * per, b));
    if (v->sent > 0)
        alb_buf_printf(out, ", %s sent, %s/s", alb_human_bytes(v->sent, c),
                       alb_human_bytes((int64_t)((double)v->sent * per), d));
    if (v->known > 0)
        alb_buf_printf(out, ", %s known from before", alb_human_count(v->known, a));
    if (v->resumed > 0)
        alb_buf_printf(out, ", %s resumed", alb_human_count(v->resumed, a));
    alb_buf_char(out, '\n');
}

void alb_report_failures(const struct alb_report *r, size_t max, struct alb_buf *out)
{
    uint64_t all = r->view->outcome[ALB_OUTCOME_FAILED].files + r->view->folders_failed;
    size_t n = r->failures_n < max ? r->failures_n : max;
    for (size_t i = 0; i < n; i++) {
        const struct alb_failure *f = &r->failures[i];
        alb_buf_c(out, "failed: ");
        alb_tally_safe_text(out, alb_str_c(f->path));
        alb_buf_c(out, f->folder ? "/: " : ": ");
        alb_tally_safe_text(out, alb_str_c(f->reason));
        alb_buf_char(out, '\n');
    }
    if (all > n)
        alb_buf_printf(out, "failed: and %llu more%s\n", (unsigned long long)(all - n),
                       max < ALB_IMPORT_FAILURES_MAX ? " (--json lists them)" : "");
}

void alb_report_text(const struct alb_report *r, struct alb_buf *out)
{
    const struct alb_tally_view *v = r->view;
    if (v->folders_failed > 0 || v->outcome[ALB_OUTCOME_FAILED].files > 0) {
        alb_report_failures(r, ALB_IMPORT_FAILURES_SHOWN, out);
        alb_buf_char(out, '\n');
    }
    table(r, out);
    if (v->folders_failed > 0)
        alb_buf_printf(out, "%llu folder%s or link%s could not be read\n",
                       (unsigned long long)v->folders_failed, v->folders_failed == 1 ? "" : "s",
                       v->folders_failed == 1 ? "" : "s");
    closing_line(r, out);
    if (v->skip[ALB_SKIP_TRASHED].files > 0)
        alb_buf_c(out, "--trashed restore brings back what lies in the trash\n");
    if (r->dry_run)
        alb_buf_c(out, "dry run: nothing was changed\n");
    if (r->note) {
        alb_tally_safe_text(out, alb_str_c(r->note));
        alb_buf_char(out, '\n');
    }
    if (v->outcome[ALB_OUTCOME_LEFT].files > 0 || !v->scanned)
        alb_buf_c(out, "not everything was done; the same command goes on from here\n");
}

/* --- JSON --------------------------------------------------------------------------------------------------
 */

static void json_count(struct alb_json *j, const char *key, const struct alb_count *c)
{
    alb_json_key(j, key);
    alb_json_object(j);
    alb_json_key(j, "files");
    alb_json_u64(j, c->files);
    alb_json_ki64(j, "bytes", c->bytes);
    alb_json_end(j);
}

static void json_skips(struct alb_json *j, const struct alb_tally_view *v)
{
    alb_json_key(j, "skippedBecause");
    alb_json_object(j);
    for (size_t i = 1; i < ALB_SKIP_COUNT; i++)
        if (v->skip[i].files > 0)
            json_count(j, alb_skip_key((enum alb_skip)i), &v->skip[i]);
    alb_json_end(j);
}

static void json_failures(struct alb_json *j, const struct alb_report *r)
{
    alb_json_key(j, "failures");
    alb_json_array(j);
    for (size_t i = 0; i < r->failures_n; i++) {
        alb_json_object(j);
        alb_json_kc(j, "path", r->failures[i].path);
        alb_json_kc(j, "reason", r->failures[i].reason);
        alb_json_kbool(j, "folder", r->failures[i].folder);
        alb_json_end(j);
    }
    alb_json_end(j);
}

void alb_report_json(const struct alb_report *r, struct alb_buf *out)
{
    const struct alb_tally_view *v = r->view;
    struct alb_json j;
    alb_json_init(&j, out);
    alb_json_object(&j);
    alb_json_kstr(&j, "server", r->server);
    alb_json_kbool(&j, "dryRun", r->dry_run);
    for (size_t i = 0; i < ALB_OUTCOME_COUNT; i++)
        json_count(&j, rows[i].key, &v->outcome[i]);
    json_count(&j, "found", &v->found);
    json_skips(&j, v);
    alb_json_ki64(&j, "foldersFailed", (int64_t)v->folders_failed);
    json_failures(&j, r);
    alb_json_ki64(&j, "resumed", (int64_t)v->resumed);
    alb_json_ki64(&j, "hashesKnown", (int64_t)v->known);
    alb_json_ki64(&j, "bytesSent", v->sent);
    alb_json_key(&j, "seconds");
    alb_json_double(&j, (double)(r->took_ns / ALB_NS_PER_MS) / 1e3);
    alb_json_kbool(&j, "complete", v->scanned && v->outcome[ALB_OUTCOME_LEFT].files == 0);
    alb_json_kc(&j, "note", r->note);
    alb_json_ki64(&j, "exit", r->exit_code);
    alb_json_end(&j);
    alb_buf_char(out, '\n');
}
