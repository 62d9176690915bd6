/* SPDX-License-Identifier: Apache-2.0
 *
 * See progress.h.
 */
#include "import/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "import/human.h"

#define PLAIN_EVERY_NS (10 * ALB_NS_PER_S)
#define BAR_MIN 10u
#define BAR_MAX 40u
#define WIDTH_MAX 512u
#define PIECES 8u

/* --- rates -------------------------------------------------------------------------------------------------
 */

void alb_meter_add(struct alb_meter *m, struct alb_meter_sample s)
{
    const struct alb_meter_sample *last = &m->ring[(m->next + ALB_METER_SAMPLES - 1) % ALB_METER_SAMPLES];
    if (m->n > 0 && s.at_ns - last->at_ns < ALB_METER_EVERY_NS)
        return;
    m->ring[m->next] = s;
    m->next = (m->next + 1) % ALB_METER_SAMPLES;
    if (m->n < ALB_METER_SAMPLES)
        m->n++;
}

struct alb_meter_rate alb_meter_rate(const struct alb_meter *m, int64_t now_ns)
{
    struct alb_meter_rate rate = {0, 0, 0};
    const struct alb_meter_sample *newest = NULL, *oldest = NULL;
    for (size_t i = 0; i < m->n; i++) {
        const struct alb_meter_sample *s =
            &m->ring[(m->next + ALB_METER_SAMPLES - 1 - i) % ALB_METER_SAMPLES];
        if (!newest)
            newest = s;
        if (now_ns - s->at_ns > ALB_METER_WINDOW_NS)
            break;
        oldest = s;
    }
    if (!oldest || oldest == newest)
        return rate;
    /* Until now, not until the newest sample: when nothing moves the rate falls. */
    double seconds = (double)(now_ns - oldest->at_ns) / 1e9;
    if (seconds <= 0)
        return rate;
    rate.files = (double)(newest->files - oldest->files) / seconds;
    rate.bytes = (double)(newest->bytes - oldest->bytes) / seconds;
    rate.sent = (double)(newest->sent - oldest->sent) / seconds;
    return rate;
}

static void sum_up(const struct alb_tally_view *v, uint64_t *files, int64_t *bytes)
{
    *files = 0;
    *bytes = v->moving;
    for (size_t i = 0; i < ALB_OUTCOME_COUNT; i++) {
        *files += v->outcome[i].files;
        *bytes += v->outcome[i].bytes;
    }
    if (*bytes > v->found.bytes)
        *bytes = v->found.bytes;
    if (*bytes < 0)
        *bytes = 0;
}

struct alb_progress alb_progress_of(const struct alb_tally_view *v, const struct alb_meter *m, int64_t now_ns,
                                    int64_t waiting_ns, bool stopping)
{
    struct alb_progress p = {.files_found = v->found.files,
                             .bytes_found = v->found.bytes,
                             .failed = v->outcome[ALB_OUTCOME_FAILED].files + v->folders_failed,
                             .scanned = v->scanned,
                             .left_ns = -1,
                             .waiting_ns = waiting_ns,
                             .stopping = stopping};
    sum_up(v, &p.files_done, &p.bytes_done);
    struct alb_meter_rate rate = alb_meter_rate(m, now_ns);
    p.files_per_s = rate.files;
    p.sent_per_s = rate.sent;
    double left = (double)(p.bytes_found - p.bytes_done);
    if (v->scanned && waiting_ns == 0 && rate.bytes > 0) {
        double seconds = left / rate.bytes;
        /* Many small files are slow for their number, not for their bytes. */
        double by_files = rate.files > 0 ? (double)(p.files_found - p.files_done) / rate.files : 0;
        if (by_files > seconds)
            seconds = by_files;
        if (seconds < 1e8)
            p.left_ns = (int64_t)(seconds * 1e9);
    }
    return p;
}

/* --- text --------------------------------------------------------------------------------------------------
 */

struct piece {
    unsigned weight; /* the lightest go first when there is no room */
    char text[64];
};

static void say(struct piece *pieces, size_t *n, unsigned weight, const char *a, const char *b, const char *c,
                const char *d)
{
    struct alb_buf t = ALB_BUF_INIT(sizeof(pieces[0].text) - 1);
    alb_buf_c(&t, a);
    alb_buf_c(&t, b);
    alb_buf_c(&t, c);
    alb_buf_c(&t, d);
    if (alb_buf_code(&t) == ALB_OK &&
        alb_str_to_c(alb_buf_view(&t), pieces[*n].text, sizeof(pieces[*n].text))) {
        pieces[*n].weight = weight;
        (*n)++;
    }
    alb_buf_fini(&t);
}

static int percent(const struct alb_progress *p)
{
    if (p->bytes_found <= 0)
        return p->files_found > 0 ? (int)(p->files_done * 100 / p->files_found) : 0;
    int n = (int)((double)p->bytes_done * 100.0 / (double)p->bytes_found);
    return n > 99 && p->files_done < p->files_found ? 99 : n;
}

static size_t make_pieces(const struct alb_progress *p, struct piece *pieces)
{
    char a[ALB_HUMAN_MAX], b[ALB_HUMAN_MAX];
    size_t n = 0;
    alb_human_count((uint64_t)percent(p), a);
    if (p->scanned)
        say(pieces, &n, 9, a, "%", "", "");
    else
        say(pieces, &n, 9, "looking", "", "", "");
    say(pieces, &n, 8, alb_human_count(p->files_done, a), " of ", alb_human_count(p->files_found, b),
        " files");
    if (p->waiting_ns > 0)
        say(pieces, &n, 7, "no answer from the server for ", alb_human_duration(p->waiting_ns, a), "", "");
    else if (p->stopping)
        say(pieces, &n, 7, "stopping", "", "", "");
    say(pieces, &n, 3, alb_human_bytes(p->bytes_done, a), " of ", alb_human_bytes(p->bytes_found, b), "");
    if (p->files_per_s > 0)
        say(pieces, &n, 2, alb_human_rate(p->files_per_s, a), " files/s", "", "");
    if (p->sent_per_s > 0)
        say(pieces, &n, 4, alb_human_bytes((int64_t)p->sent_per_s, a), "/s", "", "");
    if (p->left_ns >= 0)
        say(pieces, &n, 5, alb_human_duration(p->left_ns, a), " left", "", "");
    if (p->failed > 0)
        say(pieces, &n, 6, alb_human_count(p->failed, a), " failed", "", "");
    return n;
}

static unsigned needed(const struct piece *pieces, size_t n)
{
    size_t sum = 0, shown = 0;
    for (size_t i = 0; i < n; i++) {
        if (pieces[i].weight == 0)
            continue;
        sum += strlen(pieces[i].text);
        shown++;
    }
    return (unsigned)(sum + (shown > 1 ? 2 * (shown - 1) : 0));
}

static void drop_lightest(struct piece *pieces, size_t n)
{
    struct piece *light = NULL;
    for (size_t i = 0; i < n; i++)
        if (pieces[i].weight > 0 && (!light || pieces[i].weight < light->weight))
            light = &pieces[i];
    if (light)
        light->weight = 0;
}

static void draw_bar(const struct alb_progress *p, unsigned inner, struct alb_buf *out)
{
    unsigned full = inner * (unsigned)percent(p) / 100;
    alb_buf_char(out, '[');
    for (unsigned i = 0; i < inner; i++) {
        char c = ' ';
        if (i < full)
            c = '=';
        else if (i == full && p->scanned)
            c = '>';
        alb_buf_char(out, c);
    }
    alb_buf_c(out, "]  ");
}

void alb_progress_text(const struct alb_progress *p, unsigned width, bool bar, struct alb_buf *out)
{
    struct piece pieces[PIECES];
    size_t n = make_pieces(p, pieces);
    if (width > WIDTH_MAX)
        width = WIDTH_MAX;
    while (needed(pieces, n) > width)
        drop_lightest(pieces, n);
    unsigned room = width - needed(pieces, n);
    if (bar && room >= BAR_MIN + 4)
        draw_bar(p, room - 4 < BAR_MAX ? room - 4 : BAR_MAX, out);
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        if (pieces[i].weight == 0)
            continue;
        if (!first)
            alb_buf_c(out, "  ");
        alb_buf_c(out, pieces[i].text);
        first = false;
    }
}

/* --- screen ------------------------------------------------------------------------------------------------
 */

void alb_screen_init(struct alb_screen *s, int fd, bool on)
{
    const char *term = getenv("TERM");
    *s = (struct alb_screen){.fd = fd, .on = on};
    s->terminal = isatty(fd) == 1 && term && *term && strcmp(term, "dumb") != 0;
    alb_buf_init(&s->shown, 4 * WIDTH_MAX);
    alb_buf_init(&s->line, 4 * WIDTH_MAX);
}

void alb_screen_clear(struct alb_screen *s)
{
    if (s->shown.n > 0)
        alb_ignore(alb_fs_write_all(s->fd, "\r\033[K", 4, NULL), "nobody watches then");
    alb_buf_reset(&s->shown);
}

void alb_screen_fini(struct alb_screen *s)
{
    alb_screen_clear(s);
    alb_buf_fini(&s->shown);
    alb_buf_fini(&s->line);
}

static unsigned columns(int fd)
{
    struct winsize w;
    if (ioctl(fd, TIOCGWINSZ, &w) != 0 || w.ws_col < 2)
        return 80;
    return w.ws_col;
}

/* One write, and only when something has changed: no flicker. The last column stays free, else the line
 * wraps. */
static void draw(struct alb_screen *s, const struct alb_progress *p)
{
    alb_buf_reset(&s->line);
    alb_buf_char(&s->line, '\r');
    alb_progress_text(p, columns(s->fd) - 1, true, &s->line);
    alb_buf_c(&s->line, "\033[K");
    if (alb_buf_code(&s->line) != ALB_OK || alb_str_eq(alb_buf_view(&s->line), alb_buf_view(&s->shown)))
        return;
    alb_ignore(alb_fs_write_all(s->fd, s->line.p, s->line.n, NULL), "nobody watches then");
    struct alb_buf was = s->shown;
    s->shown = s->line;
    s->line = was;
}

void alb_screen_show(struct alb_screen *s, const struct alb_progress *p, int64_t now_ns)
{
    if (!s->on)
        return;
    if (s->terminal) {
        draw(s, p);
        return;
    }
    if (s->next_plain_ns == 0)
        s->next_plain_ns = now_ns + PLAIN_EVERY_NS;
    if (now_ns < s->next_plain_ns)
        return;
    s->next_plain_ns = now_ns + PLAIN_EVERY_NS;
    alb_buf_reset(&s->line);
    alb_progress_text(p, WIDTH_MAX, false, &s->line);
    alb_buf_char(&s->line, '\n');
    if (alb_buf_code(&s->line) == ALB_OK)
        alb_ignore(alb_fs_write_all(s->fd, s->line.p, s->line.n, NULL), "nobody watches then");
}
