// SPDX-License-Identifier: Apache-2.0
//
// Numbers, sizes and dates as people read them. The page is English, so dates follow the reader's English locale if there
// is one. Times of photos are wall-clock times "as if UTC", hence timeZone: 'UTC' in every formatter.

const languages = typeof navigator === 'undefined' ? [] : navigator.languages;
export const locale = languages.find((l) => /^en\b/i.test(l)) ?? 'en-GB';

const utc = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
const monthYear = utc({ month: 'long', year: 'numeric' });
const weekday = utc({ weekday: 'short' });
const fullDay = utc({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const clock = utc({ hour: 'numeric', minute: '2-digit' });
const spoken = utc({ day: 'numeric', month: 'long', year: 'numeric', hour: 'numeric', minute: '2-digit' });
const whole = new Intl.NumberFormat(locale);

export const formatMonthYear = (ms: number): string => monthYear.format(ms);
/** "Wed 19" in every locale: some would turn it round. */
export const formatShortDay = (ms: number): string => `${weekday.format(ms)} ${new Date(ms).getUTCDate()}`;
export const formatFullDay = (ms: number): string => fullDay.format(ms);
export const formatClock = (ms: number): string => clock.format(ms);
export const formatSpoken = (ms: number): string => spoken.format(ms);
export const formatCount = (n: number): string => whole.format(n);

/** "1 photo", "12,345 photos" */
export const plural = (n: number, one: string, many = `${one}s`): string => `${formatCount(n)} ${n === 1 ? one : many}`;

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];

export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '';
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return Math.round(bytes) === 1 ? '1 byte' : `${Math.round(bytes)} bytes`;
  const digits = value < 9.95 ? 1 : 0;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)} ${units[unit]}`;
}

/** A time to go, rounded so that it does not flicker: "9 s", "4 min", "2 h 10 min". */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '';
  if (seconds < 60) return `${Math.max(1, Math.ceil(seconds))} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Length of a video: the API gives "0:01:23.000" or milliseconds; people read 1:23. */
export function formatLength(duration: string | number | null | undefined): string {
  let seconds: number;
  if (typeof duration === 'number') {
    seconds = duration / 1000;
  } else {
    const m = /^(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)$/.exec(duration ?? '');
    if (!m) return '';
    seconds = Number(m[1] ?? 0) * 3600 + Number(m[2]) * 60 + Number(m[3]);
  }
  if (!(seconds > 0)) return '';
  const s = Math.round(seconds);
  const tail = `${String(Math.floor((s % 3600) / 60)).padStart(s >= 3600 ? 2 : 1, '0')}:${String(s % 60).padStart(2, '0')}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${tail}` : tail;
}
