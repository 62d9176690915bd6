// SPDX-License-Identifier: Apache-2.0
//
// Where everything is on the long sheet: months one under the other, each with a heading and its rows. Months that are
// loaded have exact heights, the others an estimate that learns from the loaded ones. No DOM in here.
//
// Browsers cannot make an element taller than some 17 million pixels, and a million photos are taller. So the sheet shows a
// window of at most `tallest` pixels that begins at `base`: y on the sheet = base + scrollTop. Up to that height base is 0.

import { estimateHeight, layoutRows, rowAt, type Rows, type RowStyle } from './layout.ts';
import type { Anchor, Columns, Month, Place, Source } from './source.ts';

export interface Metrics {
  /** Height of a month's heading. */
  heading: number;
  /** Space under a month. */
  below: number;
  /** What stands above the first month, and below the last one. */
  leading: number;
  trailing: number;
}

export interface VisibleMonth {
  index: number;
  month: Month;
  top: number;
  height: number;
  rows: Rows | null;
  firstRow: number;
  /** Exclusive. */
  endRow: number;
}

const tallest = 8_000_000;

export function styleFor(width: number): RowStyle {
  const phone = width < 640;
  const target = phone ? Math.min(150, Math.max(92, width / 3.8)) : width < 1100 ? 176 : width < 1900 ? 212 : 244;
  return { width, target, gap: phone ? 3 : 6, caption: phone ? 26 : 30 };
}

export class Geometry {
  style: RowStyle = styleFor(1000);
  metrics: Metrics = { heading: 64, below: 28, leading: 0, trailing: 0 };
  total = 0;
  base = 0;
  private tops = new Float64Array(1);
  private cache = new WeakMap<Columns, { width: number; rows: Rows }>();
  private perPhoto: number | null = null;
  /** Heights of months that were loaded once, for those that were let go since: the scale of time must not jump. */
  private readonly known = new Map<string, { count: number; height: number }>();

  constructor(readonly source: Source) {}

  rowsOf(month: Month): Rows | null {
    const c = month.columns;
    if (!c) return null;
    let entry = this.cache.get(c);
    if (!entry || entry.width !== this.style.width) {
      entry = { width: this.style.width, rows: layoutRows(c.ratios, c.days, this.style) };
      this.cache.set(c, entry);
    }
    return entry.rows;
  }

  /** Computes all positions again. Cheap: months that did not change keep their rows. */
  update(width: number, metrics: Metrics): void {
    if (width !== this.style.width) {
      this.style = styleFor(width);
      this.perPhoto = null;
      this.known.clear();
    }
    this.metrics = metrics;
    const { months } = this.source;
    let photos = 0;
    let height = 0;
    const bodies = months.map((m) => {
      const rows = this.rowsOf(m);
      if (rows) {
        photos += m.count;
        height += rows.height;
        this.known.set(m.key, { count: m.count, height: rows.height });
        return rows.height;
      }
      const before = this.known.get(m.key);
      return before?.count === m.count ? before.height : -1;
    });
    // A few photos teach little: their last rows are half empty.
    if (photos > 150) this.perPhoto = height / photos;
    this.tops = new Float64Array(months.length + 1);
    let y = metrics.leading;
    for (let i = 0; i < months.length; i++) {
      this.tops[i] = y;
      const body = bodies[i]! >= 0 ? bodies[i]! : estimateHeight(months[i]!.count, this.style, this.perPhoto);
      y += metrics.heading + body + metrics.below;
    }
    this.tops[months.length] = y;
    this.total = y + metrics.trailing;
    this.base = Math.min(this.base, Math.max(0, this.total - this.windowHeight));
  }

  get windowHeight(): number {
    return Math.min(this.total, tallest);
  }

  /** Moves the window if the view nears one of its ends. Returns by how much the scroll position must change. */
  rebase(y: number, view: number): number {
    if (this.total <= tallest) return 0;
    const above = y - this.base;
    const near = tallest / 8;
    const wantsUp = above < near && this.base > 0;
    const wantsDown = above + view > tallest - near && this.base + tallest < this.total;
    if (!wantsUp && !wantsDown) return 0;
    const old = this.base;
    this.base = Math.round(Math.min(this.total - tallest, Math.max(0, y - tallest / 2)));
    return old - this.base;
  }

  topOfMonth(index: number): number {
    return this.tops[Math.min(index, this.tops.length - 1)] ?? 0;
  }

  monthAt(y: number): number {
    let low = 0;
    let high = this.source.months.length - 1;
    while (low < high) {
      const mid = (low + high + 1) >> 1;
      if (this.tops[mid]! <= y) low = mid;
      else high = mid - 1;
    }
    return low;
  }

  visible(from: number, to: number): VisibleMonth[] {
    const out: VisibleMonth[] = [];
    const { months } = this.source;
    if (months.length === 0) return out;
    for (let i = this.monthAt(from); i < months.length && this.tops[i]! < to; i++) {
      const month = months[i]!;
      const top = this.tops[i]!;
      const rows = this.rowsOf(month);
      const body = top + this.metrics.heading;
      let firstRow = 0;
      let endRow = 0;
      if (rows && rows.count > 0) {
        firstRow = rowAt(rows, from - body);
        endRow = firstRow;
        while (endRow < rows.count && rows.y[endRow]! - this.style.caption < to - body) endRow++;
      }
      out.push({ index: i, month, top, height: this.tops[i + 1]! - top - this.metrics.below, rows, firstRow, endRow });
    }
    return out;
  }

  /** Where a photo lies on the sheet; null if its month is not loaded. */
  boxOf(place: Place): { x: number; y: number; w: number; h: number; row: number } | null {
    const month = this.source.months[place.month];
    const rows = month && this.rowsOf(month);
    if (!rows || place.offset >= rows.x.length) return null;
    let row = 0;
    let high = rows.count - 1;
    while (row < high) {
      const mid = (row + high + 1) >> 1;
      if (rows.start[mid]! <= place.offset) row = mid;
      else high = mid - 1;
    }
    return {
      x: rows.x[place.offset]!,
      y: this.tops[place.month]! + this.metrics.heading + rows.y[row]!,
      w: rows.w[place.offset]!,
      h: rows.h[row]!,
      row,
    };
  }

  anchorAt(y: number): Anchor | null {
    const { months } = this.source;
    if (months.length === 0 || y <= this.metrics.leading) return null;
    const index = this.monthAt(y);
    const month = months[index]!;
    const top = this.tops[index]!;
    const rows = this.rowsOf(month);
    const part = (y - top) / (this.tops[index + 1]! - top);
    const inBody = y - top - this.metrics.heading;
    if (rows && rows.count > 0 && inBody > 0) {
      const row = rowAt(rows, inBody);
      return { key: month.key, id: month.columns!.ids[rows.start[row]!]!, dy: inBody - rows.y[row]!, part };
    }
    return { key: month.key, id: null, dy: y - top, part };
  }

  /** The inverse of anchorAt after anything changed. */
  yOf(anchor: Anchor): number {
    let index = this.source.monthIndex(anchor.key);
    if (index < 0) {
      // The month is gone: stay at the one that follows in time.
      index = this.source.months.findIndex((m) => m.key < anchor.key);
      return index < 0 ? this.total : this.tops[index]!;
    }
    const month = this.source.months[index]!;
    const top = this.tops[index]!;
    if (anchor.id) {
      const offset = month.columns?.ids.indexOf(anchor.id) ?? -1;
      const box = offset >= 0 ? this.boxOf({ month: index, offset }) : null;
      if (box) return box.y + anchor.dy;
    }
    const height = this.tops[index + 1]! - top;
    if (anchor.id === null && anchor.dy <= this.metrics.heading) return top + anchor.dy;
    return top + anchor.part * height;
  }
}
