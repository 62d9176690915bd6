// SPDX-License-Identifier: Apache-2.0
//
// The answers to a search, as a source. Pages arrive in order, newest first, so months only ever grow at the end.

import { search } from '../api/calls.ts';
import type { Asset } from '../api/types.ts';
import { seenSize } from '../viewer/exif.ts';
import { inSpan, padded, type ParsedQuery } from './query.ts';
import { makeMonth, Source, type Columns, type Month } from './source.ts';

const pageSize = 250;

export class SearchSource extends Source {
  override complete = false;
  private next: number | null = 1;
  private loading: Promise<void> | null = null;
  private readonly known = new Set<string>();

  constructor(readonly query: ParsedQuery) {
    super();
  }

  async refresh(): Promise<void> {
    await this.loading?.catch(() => {});
    this.months = [];
    this.known.clear();
    this.next = 1;
    this.complete = false;
    this.changed();
    await this.loadPage();
  }

  want(_from: number, to: number): void {
    if (to >= this.months.length - 1) this.loadPage().catch(() => {});
  }

  async need(index: number): Promise<Columns> {
    const columns = this.months[index]?.columns;
    if (!columns) throw new Error('no such month');
    return columns;
  }

  /** The pages on the server move up by what was taken away: read again from where nothing can be missed. */
  override remove(ids: ReadonlySet<string>): number {
    const removed = super.remove(ids);
    if (this.next !== null) this.next = Math.max(1, this.next - Math.ceil(ids.size / pageSize));
    return removed;
  }

  private loadPage(): Promise<void> {
    if (this.loading) return this.loading;
    if (this.next === null) return Promise.resolve();
    this.loading = this.fetchPage(this.next).finally(() => {
      this.loading = null;
    });
    return this.loading;
  }

  private async fetchPage(page: number): Promise<void> {
    try {
      const { name, span } = this.query;
      const answer = await search({
        page,
        size: pageSize,
        withExif: true,
        order: 'desc',
        visibility: 'timeline',
        ...(name && { originalFileName: name }),
        ...(span && padded(span)),
      });
      const items = answer.assets.items.filter(
        (a) => !this.known.has(a.id) && inSpan(Date.parse(a.localDateTime), span),
      );
      for (const item of items) this.known.add(item.id);
      this.append(items);
      this.next = answer.assets.nextPage === null ? null : Number(answer.assets.nextPage);
      this.complete = this.next === null;
      this.state.value = 'ready';
      this.changed();
    } catch (err) {
      if (this.state.peek() !== 'ready') this.state.value = 'failed';
      throw err;
    }
    // A page of which nothing is left after the exact test says nothing about the next one.
    if (this.total === 0 && this.next !== null) await this.fetchPage(this.next);
  }

  private append(items: Asset[]): void {
    const groups = new Map<string, Asset[]>();
    for (const item of items) {
      const key = `${item.localDateTime.slice(0, 7)}-01`;
      const group = groups.get(key);
      if (group) group.push(item);
      else groups.set(key, [item]);
    }
    for (const [key, group] of groups) {
      let month: Month | undefined = this.months.find((m) => m.key === key);
      if (!month) {
        month = makeMonth(key, 0);
        this.months.push(month);
      }
      month.columns = joined(month.columns, group);
      month.count = month.columns.n;
    }
    this.months.sort((a, b) => b.start - a.start);
  }
}

function joined(old: Columns | null, items: Asset[]): Columns {
  const times = items.map((a) => Date.parse(a.localDateTime));
  const ratios = items.map((a) => {
    const size = seenSize(a);
    return size ? size.width / size.height : 1.5;
  });
  return {
    n: (old?.n ?? 0) + items.length,
    ids: [...(old?.ids ?? []), ...items.map((a) => a.id)],
    ratios: Float64Array.from([...(old?.ratios ?? []), ...ratios]),
    hashes: [...(old?.hashes ?? []), ...items.map((a) => a.thumbhash)],
    times: Float64Array.from([...(old?.times ?? []), ...times]),
    days: Int32Array.from([...(old?.days ?? []), ...times.map((t) => Math.floor(t / 86_400_000))]),
    favorites: Uint8Array.from([...(old?.favorites ?? []), ...items.map((a) => Number(a.isFavorite))]),
    images: Uint8Array.from([...(old?.images ?? []), ...items.map((a) => Number(a.type !== 'VIDEO'))]),
    damaged: Uint8Array.from([...(old?.damaged ?? []), ...items.map((a) => Number(a.isDamaged ?? false))]),
    durations: [...(old?.durations ?? []), ...items.map((a) => a.duration ?? null)],
  };
}
