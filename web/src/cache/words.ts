// SPDX-License-Identifier: Apache-2.0
//
// What the numbers of the cache are called, and what a purge will do, in words.

import type { CacheStats, Purge, PurgeKind } from '../api/types.ts';
import { locale, plural } from '../ui/format.ts';

export const jobs = 'jobs';

/** What people asked for: pictures that were there, and pictures that had to be made; and those made before anybody asked. */
export function asked(s: Pick<CacheStats, 'doors'>): { hits: number; misses: number; beforehand: number } {
  const sum = { hits: 0, misses: 0, beforehand: 0 };
  for (const d of s.doors) {
    if (d.door === jobs) sum.beforehand += d.misses;
    else {
      sum.hits += d.hits;
      sum.misses += d.misses;
    }
  }
  return sum;
}

const tenth = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** "98.2%". Never rounded to all or to nothing: 100% and 0% mean every single one, and none. */
export function formatRate(hits: number, misses: number): string {
  const all = hits + misses;
  if (!(all > 0)) return '–';
  if (misses === 0) return '100%';
  if (hits === 0) return '0%';
  const percent = Math.floor((hits / all) * 1000) / 10;
  return percent === 0 ? '<0.1%' : `${tenth.format(percent)}%`;
}

/** The part of `limit` that is used, 0 to 1. */
export const part = (used: number, limit: number): number => (limit > 0 ? Math.min(1, Math.max(0, used / limit)) : 0);

/** Hits and misses of the last minute, from what was seen of counters that only grow, but for restarts. */
export class Recent {
  private samples: { at: number; hits: number; misses: number }[] = [];
  private started = 0;
  constructor(private readonly span = 60_000) {}

  add(s: CacheStats): void {
    const now = { at: s.nowMs, ...asked(s) };
    const last = this.samples[this.samples.length - 1];
    if (s.startedMs !== this.started || (last && (now.hits < last.hits || now.misses < last.misses || now.at < last.at))) this.samples = [];
    this.started = s.startedMs;
    this.samples.push(now);
    // The newest of those that are too old is where the minute begins.
    while (this.samples.length > 2 && this.samples[1]!.at <= now.at - this.span) this.samples.shift();
  }

  get seen(): { hits: number; misses: number; seconds: number } {
    const first = this.samples[0];
    const last = this.samples[this.samples.length - 1];
    if (!first || !last) return { hits: 0, misses: 0, seconds: 0 };
    return { hits: last.hits - first.hits, misses: last.misses - first.misses, seconds: Math.round((last.at - first.at) / 1000) };
  }
}

const doors: Record<string, string> = {
  immich: 'This page, Immich apps',
  imgproxy: 'imgproxy URLs',
  thumbor: 'thumbor URLs',
  other: 'Other',
  [jobs]: 'Made beforehand',
};
export const doorName = (door: string): string => doors[door] ?? door;

const formats: Record<string, string> = { webp: 'WebP', jxl: 'JPEG XL', jp2: 'JPEG 2000', unknown: 'Not read yet' };
export const formatName = (format: string): string => formats[format] ?? format.toUpperCase();

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;

/** The photo that a source is; null: it is something else. */
export function assetOf(source: string): string | null {
  const m = new RegExp(`^asset://(${uuid.source})$`, 'i').exec(source);
  return m ? m[1]! : null;
}

export const short = (id: string): string => `${id.slice(0, 8)}…${id.slice(-4)}`;

/** "Photo 0190a5d2…abcd", or the source as it is. */
export function sourceName(source: string): string {
  const asset = assetOf(source);
  return asset ? `Photo ${short(asset)}` : source;
}

// ---- purges

export interface KindOfPurge {
  kind: PurgeKind;
  label: string;
  hint: string;
  placeholder: string;
}

export const kinds: readonly KindOfPurge[] = [
  { kind: 'source', label: 'One photo or source', hint: 'Every size and format that was made of it.', placeholder: 'asset://… or https://…' },
  { kind: 'prefix', label: 'Sources that begin with', hint: 'Every picture whose source begins like this: a whole server or folder.', placeholder: 'https://example.com/holidays/' },
  { kind: 'url', label: 'One picture by its URL', hint: 'The answer to one URL of the imgproxy or thumbor doors, as it was asked for.', placeholder: '/imgproxy/…' },
  { kind: 'tag', label: 'Cache tag', hint: 'Every picture that was asked for with this tag.', placeholder: 'spring-campaign' },
];
export const kindOf = (kind: PurgeKind): KindOfPurge => kinds.find((k) => k.kind === kind)!;

const longest = 960;

/** What is sent for what a person wrote, or why it cannot be. A photo may be named by its id, or by its address in this page. */
export function readPurge(kind: PurgeKind, written: string): { text: string } | { error: string } {
  const text = written.trim();
  if (text === '') return { error: 'Write what is to be removed.' };
  if (kind === 'prefix' && new TextEncoder().encode(text).length > longest) return { error: `At most ${longest} bytes.` };
  if (kind === 'source') {
    const photo = new RegExp(`^(?:asset://|.*#/(?:.*/)?photo/)?(${uuid.source})$`, 'i').exec(text);
    if (photo) return { text: `asset://${photo[1]!.toLowerCase()}` };
    if (!/^[a-z][a-z0-9+.-]*:\/\/./i.test(text)) return { error: 'A source begins with asset://, https://, http:// or local://. For a photo its id will do.' };
  }
  if (kind === 'url' && !/^(https?:\/\/[^/]+)?\/./i.test(text)) return { error: 'A URL begins with https:// or with a slash.' };
  return { text };
}

/** What somebody is asked before it is done. */
export function question(kind: PurgeKind, text: string): { title: string; text: string } {
  const after = 'They are made again when somebody asks for them. Originals are not touched.';
  const copies = /^https?:/i.test(text) ? ' The copy of the source goes too and is fetched again.' : '';
  switch (kind) {
    case 'source':
      return { title: 'Remove the pictures of this source?', text: `All pictures made of ${text} are removed from the cache, in every size and format.${copies} ${after}` };
    case 'prefix': {
      const all = /^[a-z]*(:\/{0,2})?$/i.test(text) ? ' That may be everything there is: the server will be busy for a while.' : '';
      return { title: 'Remove the pictures of many sources?', text: `All pictures whose source begins with “${text}” are removed from the cache.${all}${copies.replace('copy of the source goes', 'copies of the sources go').replace('is fetched', 'are fetched')} ${after}` };
    }
    case 'url':
      return { title: 'Remove this picture?', text: `The picture at ${text} is removed from the cache. It is made again when somebody asks for it. Originals are not touched.` };
    case 'tag':
      return { title: 'Remove the pictures with this tag?', text: `All pictures with the cache tag “${text}” are removed from the cache. ${after}` };
  }
}

/** What has become of a purge. */
export function fate(p: Purge): string {
  if (!p.done) return p.files > 0 ? `removing, ${plural(p.files, 'file')} so far` : 'removing…';
  return p.files > 0 ? `${plural(p.files, 'file')} removed` : 'nothing was there';
}

const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
export const formatMoment = (ms: number): string => moment.format(ms);

/** "just now", "5 minutes ago", "yesterday". */
export function ago(ms: number, now: number): string {
  const seconds = Math.round((now - ms) / 1000);
  if (seconds < 45) return 'just now';
  if (seconds < 45 * 60) return relative.format(-Math.round(seconds / 60), 'minute');
  if (seconds < 22 * 3600) return relative.format(-Math.round(seconds / 3600), 'hour');
  return relative.format(-Math.round(seconds / 86_400), 'day');
}

/** How long something has gone on: "40 seconds", "3 hours", "12 days". */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 90) return plural(seconds, 'second');
  if (seconds < 90 * 60) return plural(Math.floor(seconds / 60), 'minute');
  if (seconds < 48 * 3600) return plural(Math.floor(seconds / 3600), 'hour');
  return plural(Math.floor(seconds / 86_400), 'day');
}

/** The order in which rows stand: as they come, or, while somebody points at one of them, as they stood. */
export function inOrder<T>(rows: readonly T[], key: (row: T) => string, before: readonly string[], held: boolean): T[] {
  if (!held) return [...rows];
  const at = new Map(before.map((k, i) => [k, i]));
  return [...rows].sort((a, b) => (at.get(key(a)) ?? before.length) - (at.get(key(b)) ?? before.length));
}
