/* SPDX-License-Identifier: Apache-2.0
 *
 * How far the import is, for a person who watches: one line that fits the terminal, or a plain line from time
 * to time when nobody watches. The pure half (meter, text) takes time as an argument; the screen is a
 * descriptor. One thread (the main one).
 */
#ifndef ALB_IMPORT_PROGRESS_H
#define ALB_IMPORT_PROGRESS_H

#include "base/buf.h"
#include "import/tally.h"

/* Rates over the last seconds, from samples. */
#define ALB_METER_SAMPLES 64
#define ALB_METER_EVERY_NS ((int64_t)250 * 1000000)
#define ALB_METER_WINDOW_NS ((int64_t)12 * 1000000000)

struct alb_meter_sample {
    int64_t at_ns, files, bytes, sent;
};
struct alb_meter {
    struct alb_meter_sample ring[ALB_METER_SAMPLES];
    size_t n, next;
};
/* Takes a sample, or lets it be when the last one is too young. */
void alb_meter_add(struct alb_meter *m, struct alb_meter_sample s);
/* Per second since the oldest sample within the window; zeros with less than two samples. */
struct alb_meter_rate {
    double files, bytes, sent;
};
struct alb_meter_rate alb_meter_rate(const struct alb_meter *m, int64_t now_ns);

struct alb_progress {
    uint64_t files_done, files_found, failed;
    int64_t bytes_done, bytes_found;
    bool scanned;
    double files_per_s, sent_per_s; /* bytes */
    int64_t left_ns;                /* -1 = unknown */
    int64_t waiting_ns;             /* the server has not answered for so long; 0 = it does */
    bool stopping;
};
struct alb_progress alb_progress_of(const struct alb_tally_view *v, const struct alb_meter *m, int64_t now_ns,
                                    int64_t waiting_ns, bool stopping);
/* At most `width` columns, no control characters; less important parts go first when it is narrow. */
void alb_progress_text(const struct alb_progress *p, unsigned width, bool bar, struct alb_buf *out);

struct alb_screen {
    int fd;
    bool on, terminal;
    int64_t next_plain_ns; /* when the next plain line is due; 0 = not yet known */
    struct alb_buf shown, line;
};
void alb_screen_init(struct alb_screen *s, int fd, bool on);
void alb_screen_fini(struct alb_screen *s); /* clears its line */
void alb_screen_show(struct alb_screen *s, const struct alb_progress *p, int64_t now_ns);
/* Takes the line away so that something else can be printed. */
void alb_screen_clear(struct alb_screen *s);

#endif
