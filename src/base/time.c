/* SPDX-License-Identifier: Apache-2.0
 *
 * Times as text (contract: clock.h): HTTP dates (RFC 9110 §5.6.7) and RFC 3339, over the proleptic Gregorian
 * calendar. Pure but for one thing: the two-digit year of an RFC 850 date is read against today, as RFC 9110
 * asks. No locale, no time zone, no allocation; input of any length and content is fine.
 */
#include "base/clock.h"

#include <string.h>

#include "base/str.h"

#define MS_PER_DAY ((int64_t)86400000)
#define LEAST_MS (INT64_C(-62135596800000))   /* 0001-01-01T00:00:00.000Z */
#define LARGEST_MS (INT64_C(253402300799999)) /* 9999-12-31T23:59:59.999Z */

static const char day_names[7][10] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct moment {
    int year, month, day, hour, minute, second, ms;
};

/* Days and dates are Howard Hinnant's well-known arithmetic on eras of 400 years, with March as the first
 * month so that the leap day comes last. */
int64_t alb_days_from_civil(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

    return era * 146097 + day_of_era - 719468;
}

void alb_civil_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t of_year = day_of_era - (365 * of_era + of_era / 4 - of_era / 100);
    int64_t m = (5 * of_year + 2) / 153;

    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(of_era + era * 400 + (*month <= 2));
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* False if the fields are no time. Second 60 (a leap second) is the first of the next minute. */
static bool moment_to_ms(const struct moment *t, int64_t *wall_ms)
{
    if (t->year < 1 || t->year > 9999 || t->month < 1 || t->month > 12 || t->day < 1 ||
        t->day > days_in_month(t->year, t->month) || t->hour > 23 || t->minute > 59 || t->second > 60)
        return false;
    *wall_ms = alb_days_from_civil(t->year, t->month, t->day) * MS_PER_DAY +
               ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * 1000 + t->ms;
    return true;
}

static struct moment moment_of_ms(int64_t wall_ms, int *week_day)
{
    struct moment t;

    if (wall_ms < LEAST_MS)
        wall_ms = LEAST_MS;
    if (wall_ms > LARGEST_MS)
        wall_ms = LARGEST_MS;
    int64_t days = (wall_ms >= 0 ? wall_ms : wall_ms - MS_PER_DAY + 1) / MS_PER_DAY;
    int rest = (int)(wall_ms - days * MS_PER_DAY);
    alb_civil_from_days(days, &t.year, &t.month, &t.day);
    t.hour = rest / 3600000;
    t.minute = rest / 60000 % 60;
    t.second = rest / 1000 % 60;
    t.ms = rest % 1000;
    *week_day = (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    return t;
}

/* ---- writing ---- */

static char *put_number(char *p, int v, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + digits;
}

static char *put_text(char *p, const char *text, size_t n)
{
    memcpy(p, text, n);
    return p + n;
}

static char *put_hms(char *p, const struct moment *t)
{
    p = put_number(p, t->hour, 2);
    *p++ = ':';
    p = put_number(p, t->minute, 2);
    *p++ = ':';
    return put_number(p, t->second, 2);
}

void alb_time_http(int64_t wall_ms, char out[30])
{
    int week_day;
    struct moment t = moment_of_ms(wall_ms, &week_day);
    char *p = put_text(out, day_names[week_day], 3);

    p = put_text(p, ", ", 2);
    p = put_number(p, t.day, 2);
    *p++ = ' ';
    p = put_text(p, month_names[t.month - 1], 3);
    *p++ = ' ';
    p = put_number(p, t.year, 4);
    *p++ = ' ';
    p = put_hms(p, &t);
    memcpy(p, " GMT", 5);
}

void alb_time_rfc3339(int64_t wall_ms, char out[25])
{
    int week_day;
    struct moment t = moment_of_ms(wall_ms, &week_day);
    char *p = put_number(out, t.year, 4);

    *p++ = '-';
    p = put_number(p, t.month, 2);
    *p++ = '-';
    p = put_number(p, t.day, 2);
    *p++ = 'T';
    p = put_hms(p, &t);
    *p++ = '.';
    p = put_number(p, t.ms, 3);
    memcpy(p, "Z", 2);
}

/* ---- reading: each takes something off the front of *s and is false if it is not there ---- */

static bool take_number(struct alb_str *s, size_t digits, int *out)
{
    int v = 0;

    if (s->n < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!alb_is_digit(s->p[i]))
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *out = v;
    *s = alb_str_from(*s, digits);
    return true;
}

static bool take_text(struct alb_str *s, struct alb_str text)
{
    if (!alb_str_starts(*s, text))
        return false;
    *s = alb_str_from(*s, text.n);
    return true;
}

static bool take_month(struct alb_str *s, int *month)
{
    for (int i = 0; i < 12; i++) {
        if (take_text(s, alb_str_n(month_names[i], 3))) {
            *month = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_hms(struct alb_str *s, struct moment *t)
{
    return take_number(s, 2, &t->hour) && take_text(s, ALB_STR(":")) && take_number(s, 2, &t->minute) &&
           take_text(s, ALB_STR(":")) && take_number(s, 2, &t->second);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", after "Sun" */
static bool take_fixdate(struct alb_str *s, struct moment *t)
{
    return take_text(s, ALB_STR(", ")) && take_number(s, 2, &t->day) && take_text(s, ALB_STR(" ")) &&
           take_month(s, &t->month) && take_text(s, ALB_STR(" ")) && take_number(s, 4, &t->year) &&
           take_text(s, ALB_STR(" ")) && take_hms(s, t) && take_text(s, ALB_STR(" GMT")) && s->n == 0;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT", after "Sunday" */
static bool take_rfc850(struct alb_str *s, struct moment *t)
{
    int two = 0, this_year, month, day;

    if (!(take_text(s, ALB_STR(", ")) && take_number(s, 2, &t->day) && take_text(s, ALB_STR("-")) &&
          take_month(s, &t->month) && take_text(s, ALB_STR("-")) && take_number(s, 2, &two) &&
          take_text(s, ALB_STR(" ")) && take_hms(s, t) && take_text(s, ALB_STR(" GMT")) && s->n == 0))
        return false;
    alb_civil_from_days(alb_wall(alb_clock_real()) / MS_PER_DAY, &this_year, &month, &day);
    t->year = this_year - this_year % 100 + two;
    /* "more than 50 years in the future [is] the most recent year in the past that had the same last two
     * digits"; and early in a century a high number belongs to the last one by the same rule. */
    if (t->year > this_year + 50)
        t->year -= 100;
    return true;
}

/* "Sun Nov  6 08:49:37 1994", after "Sun" */
static bool take_asctime(struct alb_str *s, struct moment *t)
{
    if (!take_text(s, ALB_STR(" ")) || !take_month(s, &t->month) || !take_text(s, ALB_STR(" ")))
        return false;
    if (!take_number(s, 2, &t->day) && !(take_text(s, ALB_STR(" ")) && take_number(s, 1, &t->day)))
        return false;
    return take_text(s, ALB_STR(" ")) && take_hms(s, t) && take_text(s, ALB_STR(" ")) &&
           take_number(s, 4, &t->year) && s->n == 0;
}

bool alb_time_http_parse(const char *p, size_t n, int64_t *wall_ms)
{
    struct alb_str s = alb_str_n(p, n);
    struct moment t = {0};

    *wall_ms = 0;
    /* The name of the day must be one, but need not fit the date: the date says it all. */
    for (size_t i = 0; i < 7; i++) {
        struct alb_str rest = s, after;
        if (take_text(&rest, alb_str_c(day_names[i])))
            return take_rfc850(&rest, &t) && moment_to_ms(&t, wall_ms);
        if (take_text(&rest, alb_str_n(day_names[i], 3))) {
            after = rest;
            return (take_fixdate(&rest, &t) || take_asctime(&after, &t)) && moment_to_ms(&t, wall_ms);
        }
    }
    return false;
}

static bool take_fraction(struct alb_str *s, int *ms)
{
    size_t digits = 0;

    *ms = 0;
    if (!take_text(s, ALB_STR(".")))
        return true;
    for (; digits < s->n && alb_is_digit(s->p[digits]); digits++) {
        if (digits < 3)
            *ms = *ms * 10 + (s->p[digits] - '0');
    }
    if (digits == 0)
        return false;
    for (size_t i = digits; i < 3; i++)
        *ms *= 10;
    *s = alb_str_from(*s, digits);
    return true;
}

static bool take_offset(struct alb_str *s, int *minutes)
{
    int hours, rest;

    *minutes = 0;
    if (take_text(s, ALB_STR("Z")) || take_text(s, ALB_STR("z")))
        return true;
    bool minus = alb_str_starts(*s, ALB_STR("-"));
    if (!minus && !alb_str_starts(*s, ALB_STR("+")))
        return false;
    *s = alb_str_from(*s, 1);
    if (!take_number(s, 2, &hours) || !take_text(s, ALB_STR(":")) || !take_number(s, 2, &rest) ||
        hours > 23 || rest > 59)
        return false;
    *minutes = (hours * 60 + rest) * (minus ? -1 : 1);
    return true;
}

/* "1994-11-06T", also with t or a blank */
static bool take_date(struct alb_str *s, struct moment *t)
{
    return take_number(s, 4, &t->year) && take_text(s, ALB_STR("-")) && take_number(s, 2, &t->month) &&
           take_text(s, ALB_STR("-")) && take_number(s, 2, &t->day) &&
           (take_text(s, ALB_STR("T")) || take_text(s, ALB_STR("t")) || take_text(s, ALB_STR(" ")));
}

bool alb_time_rfc3339_parse(const char *p, size_t n, int64_t *wall_ms, int *offset_min)
{
    struct alb_str s = alb_str_n(p, n);
    struct moment t = {0};
    int64_t ms;
    int offset;

    *wall_ms = 0;
    if (offset_min != NULL)
        *offset_min = 0;
    if (!take_date(&s, &t) || !take_hms(&s, &t) || !take_fraction(&s, &t.ms) || !take_offset(&s, &offset) ||
        s.n > 0 || !moment_to_ms(&t, &ms))
        return false;
    ms -= (int64_t)offset * 60000;
    if (ms < LEAST_MS || ms > LARGEST_MS)
        return false; /* the offset moved it out of the years that we can write */
    *wall_ms = ms;
    if (offset_min != NULL)
        *offset_min = offset;
    return true;
}
