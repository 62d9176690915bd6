// SPDX-License-Identifier: Apache-2.0
//
// A source is an ordered list of photos in months: the timeline, the favourites, the trash, or a search. The months and
// their counts are known at once, their photos arrive when somebody looks. A photo is named by its place in the whole list
// (`index`) or by month and offset; ids live in the columns.
//
// Life of a month:   idle --wanted--> loading --answer--> ready
//                     ^                  |  error                      ready --count changed--> ready + stale --> loading
//                     '--- retry later --'
//
// Photos of months that nobody has looked at for long are let go (`evict`), so that a walk through a million photos costs the
// memory of the last `kept`. Their counts stay; they come again when somebody looks.
//
// Everything runs on the page's one thread. Every change of what is shown raises `version`.

import { signal, type Signal } from '@preact/signals';
import { getBucket, getBuckets, type TimelineFilter } from '../api/calls.ts';
import type { BucketColumns } from '../api/types.ts';
import { anchor } from './selection.ts';

export interface Columns {
  n: number;
  ids: string[];
  ratios: Float64Array;
  hashes: (string | null)[];
  /** Wall clock at the place of the photo, as if UTC. */
  times: Float64Array;
  days: Int32Array;
  favorites: Uint8Array;
  images: Uint8Array;
  damaged: Uint8Array;
  durations: (string | number | null)[];
}

export interface Month {
  /** "2024-06-01" */
  key: string;
  /** First moment of the month. */
  start: number;
  count: number;
  columns: Columns | null;
  /** Columns are shown but known to be old. */
  stale: boolean;
  loading: Promise<void> | null;
  abort: AbortController | null;
  /** Someone awaits this month: not to be aborted when it leaves the view. */
  needed: boolean;
  /** After a failure: not before this time (performance.now). */
  retryAt: number;
  /** When it was last looked at, on a clock that counts looks. */
  used: number;
}

export interface Place {
  month: number;
  offset: number;
}

/** What a reader looks at, in words that outlive any change of heights. */
export interface Anchor {
  key: string;
  id: string | null;
  /** From the photo's (or else the month's) top edge to the upper edge of the view. */
  dy: number;
  /** Part of the month that had gone by, for months that were not loaded. */
  part: number;
}

export type SourceState = 'loading' | 'ready' | 'failed';

/** How many months travel at once: enough to hide latency, few enough to leave connections for pictures. */
const parallel = 2;
const retryDelay = 3000;
/** Photos whose columns are held, besides those in view: some 5 MB. */
export const kept = 20_000;

export function makeMonth(key: string, count: number): Month {
  return {
    key,
    start: Date.parse(`${key.slice(0, 7)}-01T00:00:00Z`),
    count,
    columns: null,
    stale: false,
    loading: null,
    abort: null,
    needed: false,
    retryAt: 0,
    used: 0,
  };
}

export function columnsFromBucket(bucket: BucketColumns): Columns {
  const n = bucket.id.length;
  const times = new Float64Array(n);
  const days = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    times[i] = Date.parse(bucket.fileCreatedAt[i]!) + (bucket.localOffsetHours[i] ?? 0) * 3_600_000;
    days[i] = Math.floor(times[i]! / 86_400_000);
  }
  return {
    n,
    ids: bucket.id,
    ratios: Float64Array.from(bucket.ratio),
    hashes: bucket.thumbhash,
    times,
    days,
    favorites: Uint8Array.from(bucket.isFavorite, Number),
    images: Uint8Array.from(bucket.isImage, Number),
    damaged: Uint8Array.from(bucket.isDamaged ?? new Uint8Array(n), Number),
    durations: bucket.duration ?? [],
  };
}

/** The same columns without the photos that `drop` names. */
export function withoutIds(c: Columns, drop: ReadonlySet<string>): Columns {
  const keep: number[] = [];
  for (let i = 0; i < c.n; i++) if (!drop.has(c.ids[i]!)) keep.push(i);
  const pick = <T>(list: ArrayLike<T>): T[] => keep.map((i) => list[i]!);
  return {
    n: keep.length,
    ids: pick(c.ids),
    ratios: Float64Array.from(pick(c.ratios)),
    hashes: pick(c.hashes),
    times: Float64Array.from(pick(c.times)),
    days: Int32Array.from(pick(c.days)),
    favorites: Uint8Array.from(pick(c.favorites)),
    images: Uint8Array.from(pick(c.images)),
    damaged: Uint8Array.from(pick(c.damaged)),
    durations: pick(c.durations),
  };
}

export abstract class Source {
  months: Month[] = [];
  total = 0;
  readonly state: Signal<SourceState> = signal('loading');
  readonly version = signal(0);
  /** Where the reader was, kept while another view is shown. */
  anchor: Anchor | null = null;
  protected starts: number[] = [];

  /** Loads the list of months; again: brings it up to date and keeps what did not change. */
  abstract refresh(): Promise<void>;
  /** The months from..to are (nearly) in view. */
  abstract want(from: number, to: number): void;
  /** Waits until the month's photos are known. Throws if they cannot be had. */
  abstract need(month: number): Promise<Columns>;
  /** The total is final (a search learns its size page by page). */
  readonly complete: boolean = true;

  protected changed(): void {
    let sum = 0;
    this.starts = this.months.map((m) => {
      const start = sum;
      sum += m.count;
      return start;
    });
    this.total = sum;
    this.version.value++;
  }

  startOf(month: number): number {
    return this.starts[month] ?? this.total;
  }

  placeOf(index: number): Place | null {
    if (index < 0 || index >= this.total) return null;
    let low = 0;
    let high = this.months.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (this.starts[mid]! <= index) low = mid;
      else high = mid - 1;
    }
    return { month: low, offset: index - this.starts[low]! };
  }

  monthIndex(key: string): number {
    return this.months.findIndex((m) => m.key === key);
  }

  idAt(index: number): string | null {
    const place = this.placeOf(index);
    return place ? (this.months[place.month]!.columns?.ids[place.offset] ?? null) : null;
  }

  /** Place in the whole list of a photo whose month is loaded; -1 if none is. */
  indexOf(id: string): number {
    for (let m = 0; m < this.months.length; m++) {
      const i = this.months[m]!.columns?.ids.indexOf(id) ?? -1;
      if (i >= 0) return this.starts[m]! + i;
    }
    return -1;
  }

  /** Ids from one place to another, both included, loading what lies between. */
  async idsBetween(a: number, b: number): Promise<string[]> {
    const from = this.placeOf(Math.min(a, b));
    const to = this.placeOf(Math.max(a, b));
    if (!from || !to) return [];
    const out: string[] = [];
    for (let m = from.month; m <= to.month; m++) {
      const columns = this.months[m]!.columns ?? (await this.need(m));
      const first = m === from.month ? from.offset : 0;
      const last = m === to.month ? to.offset + 1 : columns.n;
      for (let i = first; i < last; i++) out.push(columns.ids[i]!);
    }
    return out;
  }

  /** Returns how many it knew: photos of months that are not loaded stay counted until the next refresh. */
  remove(ids: ReadonlySet<string>): number {
    let removed = 0;
    for (const month of this.months) {
      if (!month.columns?.ids.some((id) => ids.has(id))) continue;
      removed += month.columns.n;
      month.columns = withoutIds(month.columns, ids);
      month.count = month.columns.n;
      removed -= month.count;
    }
    this.months = this.months.filter((m) => m.count > 0);
    this.changed();
    return removed;
  }

  setFavorite(ids: ReadonlySet<string>, value: boolean): void {
    for (const month of this.months) {
      const c = month.columns;
      if (!c) continue;
      let touched = false;
      for (let i = 0; i < c.n; i++) {
        if (ids.has(c.ids[i]!) && c.favorites[i] !== Number(value)) {
          c.favorites[i] = Number(value);
          touched = true;
        }
      }
      // A new object, so that whoever compares by identity sees the change.
      if (touched) month.columns = { ...c };
    }
    this.version.value++;
  }

  /** All of these, as far as their months are loaded; false if none is. One walk, since they may be the whole library. */
  areFavorite(ids: ReadonlySet<string>): boolean {
    let known = 0;
    for (const { columns: c } of this.months) {
      if (!c) continue;
      for (let i = 0; i < c.n; i++) {
        if (!ids.has(c.ids[i]!)) continue;
        if (c.favorites[i] !== 1) return false;
        if (++known === ids.size) return true;
      }
    }
    return known > 0;
  }
}

export class TimelineSource extends Source {
  private wanted: number[] = [];
  private running = 0;
  private refreshing: Promise<void> | null = null;
  private again: Promise<void> | null = null;
  private looks = 0;
  private view = { from: 0, to: -1 };

  constructor(readonly filter: TimelineFilter) {
    super();
  }

  refresh(): Promise<void> {
    if (!this.refreshing) {
      this.refreshing = this.load().finally(() => {
        this.refreshing = null;
      });
      return this.refreshing;
    }
    // Asked for during a refresh: what happened since that one asked must be seen too. All who ask now share one more.
    this.again ??= this.refreshing
      .catch(() => {})
      .then(() => {
        this.again = null;
        return this.refresh();
      });
    return this.again;
  }

  private async load(): Promise<void> {
    try {
      const buckets = await getBuckets(this.filter);
      const old = new Map(this.months.map((m) => [m.key, m]));
      this.months = buckets
        .filter((b) => b.count > 0)
        .map((b) => {
          const key = b.timeBucket.slice(0, 10);
          const month = old.get(key) ?? makeMonth(key, b.count);
          if (month.count !== b.count) {
            if (!month.columns) month.count = b.count;
            month.stale = month.columns !== null;
          }
          return month;
        })
        .sort((a, b) => b.start - a.start);
      this.state.value = 'ready';
      this.changed();
      await Promise.all(this.months.map((m, i) => (m.stale ? this.need(i).catch(() => {}) : undefined)));
    } catch (err) {
      // What was shown once stays: the banner says that the server is away.
      if (this.state.peek() !== 'ready') this.state.value = 'failed';
      throw err;
    }
  }

  want(from: number, to: number): void {
    const keep = new Set<Month>();
    this.wanted = [];
    this.looks++;
    this.view = { from, to };
    for (let i = from; i <= to; i++) {
      const month = this.months[i];
      if (!month) continue;
      keep.add(month);
      month.used = this.looks;
      if (!month.columns && !month.loading) this.wanted.push(i);
    }
    for (const month of this.months) {
      if (month.loading && !month.needed && !keep.has(month)) month.abort?.abort();
    }
    this.pump();
  }

  private pump(): void {
    const now = performance.now();
    while (this.running < parallel) {
      const next = this.wanted.shift();
      if (next === undefined) return;
      const month = this.months[next];
      if (!month || month.columns || month.loading) continue;
      if (month.retryAt > now) {
        setTimeout(() => {
          this.version.value++;
        }, month.retryAt - now);
        continue;
      }
      this.running++;
      this.fetchMonth(month)
        .catch(() => {})
        .finally(() => {
          this.running--;
          this.pump();
        });
    }
  }

  async need(index: number): Promise<Columns> {
    const month = this.months[index];
    if (!month) throw new Error('no such month');
    if (month.columns && !month.stale) return month.columns;
    month.needed = true;
    try {
      await (month.loading ?? this.fetchMonth(month));
    } finally {
      month.needed = false;
    }
    if (!month.columns) throw new Error('the month could not be loaded');
    return month.columns;
  }

  /** Lets go of what was looked at longest ago. Never what is in view, awaited, or the place where a range begins. */
  private evict(): void {
    let held = 0;
    const idle: Month[] = [];
    this.months.forEach((month, i) => {
      if (!month.columns) return;
      held += month.columns.n;
      if ((i < this.view.from || i > this.view.to) && !month.needed && !month.loading) idle.push(month);
    });
    if (held <= kept) return;
    idle.sort((a, b) => a.used - b.used);
    const pinned = anchor();
    for (const month of idle) {
      if (held <= kept) return;
      if (pinned !== null && month.columns!.ids.includes(pinned)) continue;
      held -= month.columns!.n;
      month.columns = null;
      month.stale = false;
    }
  }

  private fetchMonth(month: Month): Promise<void> {
    const abort = new AbortController();
    month.abort = abort;
    month.loading = getBucket(this.filter, month.key, abort.signal)
      .then((bucket) => {
        month.columns = columnsFromBucket(bucket);
        month.count = month.columns.n;
        month.stale = false;
        month.used = this.looks;
        this.evict();
        if (month.count === 0) this.months = this.months.filter((m) => m !== month);
        this.changed();
      })
      .catch((err: Error) => {
        if (err.name !== 'AbortError') month.retryAt = performance.now() + retryDelay;
        throw err;
      })
      .finally(() => {
        month.loading = null;
        month.abort = null;
      });
    return month.loading;
  }
}
