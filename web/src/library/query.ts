// SPDX-License-Identifier: Apache-2.0
//
// What people type into the search box: words of a file name, and dates as they come to mind. Dates mean the wall clock
// where the photo was taken, so a query keeps local bounds; the server compares UTC instants, hence `padded`.
//
//   beach 2019            names with "beach", taken in 2019
//   july 2019, 2019-07    one month;   2019-07-14, 14 july 2019   one day
//   2017..2019            from .. to;  before:2018  after:2018-05
//   "2019"                quoted: part of the name, not a date

export interface Span {
  /** Local wall clock as if it were UTC, in milliseconds; `to` is exclusive. */
  from: number;
  to: number;
}

export interface ParsedQuery {
  name: string;
  span: Span | null;
}

const months = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'];
const farPast = Date.UTC(1, 0, 1);
const farFuture = Date.UTC(9000, 0, 1);

const yearSpan = (y: number): Span => ({ from: Date.UTC(y, 0, 1), to: Date.UTC(y + 1, 0, 1) });
const monthSpan = (y: number, m: number): Span => ({ from: Date.UTC(y, m, 1), to: Date.UTC(y, m + 1, 1) });

function daySpan(y: number, m: number, d: number): Span | null {
  const from = Date.UTC(y, m, d);
  const date = new Date(from);
  // 31 June is not a day.
  if (date.getUTCMonth() !== m || date.getUTCDate() !== d) return null;
  return { from, to: from + 86_400_000 };
}

function monthNumber(word: string): number {
  const w = word.toLowerCase().replace(/\.$/, '');
  if (w.length < 3) return -1;
  return months.findIndex((m) => m.startsWith(w) || (w === 'sept' && m === 'september'));
}

const isYear = (word: string): boolean => /^(18|19|20|21)\d\d$/.test(word);

/** 2019, 2019-07, 2019/7, 2019-07-14 */
function numericDate(word: string): Span | null {
  if (isYear(word)) return yearSpan(Number(word));
  const m = /^((?:18|19|20|21)\d\d)[-/.](\d{1,2})(?:[-/.](\d{1,2}))?$/.exec(word);
  if (!m) return null;
  const month = Number(m[2]) - 1;
  if (month < 0 || month > 11) return null;
  return m[3] === undefined ? monthSpan(Number(m[1]), month) : daySpan(Number(m[1]), month, Number(m[3]));
}

/** "today", "yesterday", and a date in one word with a prefix or a range. */
function wordSpan(word: string, today: Date): Span | null {
  const lower = word.toLowerCase();
  const range = /^(.+?)\.\.(.+)$/.exec(lower);
  if (range) {
    const a = numericDate(range[1]!);
    const b = numericDate(range[2]!);
    return a && b ? { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) } : null;
  }
  const prefixed = /^(before|after|since|until):(.+)$/.exec(lower);
  if (prefixed) {
    const span = numericDate(prefixed[2]!);
    if (!span) return null;
    if (prefixed[1] === 'before') return { from: farPast, to: span.from };
    if (prefixed[1] === 'until') return { from: farPast, to: span.to };
    return { from: prefixed[1] === 'after' ? span.to : span.from, to: farFuture };
  }
  const day = daySpan(today.getFullYear(), today.getMonth(), today.getDate())!;
  if (lower === 'today') return day;
  if (lower === 'yesterday') return { from: day.from - 86_400_000, to: day.from };
  return numericDate(lower);
}

/** Dates in words: "july 2019", "14 july 2019", "july 14, 2019", "july" (of the latest year that has begun it). */
function spokenDate(words: string[], at: number, today: Date): { span: Span; used: number } | null {
  const bare = (i: number): string => (words[i] ?? '').replace(/,$/, '');
  const dayOf = (i: number): number => (/^\d{1,2}(st|nd|rd|th)?$/i.test(bare(i)) ? parseInt(bare(i), 10) : 0);
  const month = monthNumber(bare(at));
  if (month >= 0) {
    if (isYear(bare(at + 1))) return { span: monthSpan(Number(bare(at + 1)), month), used: 2 };
    if (dayOf(at + 1) && isYear(bare(at + 2))) {
      const span = daySpan(Number(bare(at + 2)), month, dayOf(at + 1));
      if (span) return { span, used: 3 };
    }
    // A month alone must be spelt out: "mar" and "may" are also parts of names.
    if (months[month] === bare(at).toLowerCase() && bare(at).length > 3) {
      const year = today.getMonth() >= month ? today.getFullYear() : today.getFullYear() - 1;
      return { span: monthSpan(year, month), used: 1 };
    }
    return null;
  }
  const second = monthNumber(bare(at + 1));
  if (dayOf(at) && second >= 0 && isYear(bare(at + 2))) {
    const span = daySpan(Number(bare(at + 2)), second, dayOf(at));
    if (span) return { span, used: 3 };
  }
  return null;
}

export function parseQuery(text: string, today = new Date()): ParsedQuery {
  const words = text.match(/"[^"]*"?|\S+/g) ?? [];
  const name: string[] = [];
  let span: Span | null = null;
  const narrow = (s: Span): void => {
    span = span ? { from: Math.max(span.from, s.from), to: Math.min(span.to, s.to) } : s;
  };
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word.startsWith('"')) {
      name.push(word.replaceAll('"', ''));
      continue;
    }
    const spoken = spokenDate(words, i, today);
    const single = spoken ? null : wordSpan(word, today);
    if (spoken) {
      narrow(spoken.span);
      i += spoken.used - 1;
    } else if (single) {
      narrow(single);
    } else {
      name.push(word);
    }
  }
  return { name: name.join(' ').trim(), span };
}

/** No place on earth is more than 14 hours from UTC. */
const widestOffset = 14 * 3_600_000;

/** UTC bounds that miss no photo whose local time lies in the span; what they catch too much is dropped by `inSpan`. */
export function padded(span: Span): { takenAfter: string; takenBefore: string } {
  const iso = (ms: number): string => new Date(Math.min(farFuture, Math.max(farPast, ms))).toISOString();
  return { takenAfter: iso(span.from - widestOffset), takenBefore: iso(span.to + widestOffset) };
}

export const inSpan = (localMs: number, span: Span | null): boolean => !span || (localMs >= span.from && localMs < span.to);

/** The span in words, so that people see how they were understood. */
export function describeSpan(span: Span, locale: string): string {
  const format = (ms: number, options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' }).format(ms);
  const long: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'long', year: 'numeric' };
  if (span.to <= span.from) return 'no day at all';
  if (span.from === farPast) return `before ${format(span.to, long)}`;
  if (span.to === farFuture) return `since ${format(span.from, long)}`;
  const from = new Date(span.from);
  const to = new Date(span.to);
  if (span.to - span.from === 86_400_000) return format(span.from, long);
  const monthStart = from.getUTCDate() === 1 && to.getUTCDate() === 1;
  const lengthInMonths = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  if (monthStart && lengthInMonths === 1) return format(span.from, { month: 'long', year: 'numeric' });
  if (monthStart && lengthInMonths === 12 && from.getUTCMonth() === 0) return String(from.getUTCFullYear());
  if (monthStart && from.getUTCMonth() === 0 && to.getUTCMonth() === 0) {
    return `${from.getUTCFullYear()} to ${to.getUTCFullYear() - 1}`;
  }
  return `${format(span.from, long)} to ${format(span.to - 1, long)}`;
}
