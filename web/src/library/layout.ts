// SPDX-License-Identifier: Apache-2.0
//
// Justified rows: every row fills the width exactly, its photos share one height, nothing is cropped but extreme panoramas.
// Pure geometry in CSS pixels; one call lays out one month (a few hundred photos, well under a millisecond).

export interface RowStyle {
  /** Width to fill. */
  width: number;
  /** The height a row would like to have. */
  target: number;
  gap: number;
  /** Height of the line above a row in which a new day begins. */
  caption: number;
}

export interface Rows {
  /** Row r holds the photos start[r] .. start[r + 1] - 1. */
  start: Int32Array;
  /** Top edge of the photos of row r (below its caption, if it has one). */
  y: Float64Array;
  h: Float64Array;
  /** 1 if a day begins in row r. */
  caption: Uint8Array;
  /** Left edge and width of photo i. */
  x: Float64Array;
  w: Float64Array;
  count: number;
  height: number;
}

const narrowest = 0.45;
const widest = 3.2;

export const shownRatio = (ratio: number): number =>
  Number.isFinite(ratio) && ratio > 0 ? Math.min(widest, Math.max(narrowest, ratio)) : 1;

/**
 * @param ratios width / height per photo
 * @param days   day number per photo: a change begins a new caption
 */
export function layoutRows(ratios: ArrayLike<number>, days: ArrayLike<number>, style: RowStyle): Rows {
  const n = ratios.length;
  const rows: Rows = {
    start: new Int32Array(n + 1),
    y: new Float64Array(n),
    h: new Float64Array(n),
    caption: new Uint8Array(n),
    x: new Float64Array(n),
    w: new Float64Array(n),
    count: 0,
    height: 0,
  };
  let first = 0;
  let sum = 0;
  let y = 0;
  const close = (end: number, height: number, justify: boolean): void => {
    const r = rows.count++;
    rows.start[r] = first;
    rows.start[r + 1] = end;
    for (let i = first; i < end; i++) {
      if (i === 0 || days[i] !== days[i - 1]) rows.caption[r] = 1;
    }
    if (rows.caption[r]) y += style.caption;
    rows.y[r] = y;
    rows.h[r] = Math.round(height);
    place(rows, first, end, ratios, height, style, justify);
    y += Math.round(height) + style.gap;
    first = end;
    sum = 0;
  };
  for (let i = 0; i < n; i++) {
    const ratio = shownRatio(ratios[i] ?? 1);
    const with_ = heightFor(sum + ratio, i - first + 1, style);
    if (with_ > style.target) {
      sum += ratio;
      continue;
    }
    // The row is full. With this photo it is a little too low, without it a little too high: take what is nearer.
    const without = i > first ? heightFor(sum, i - first, style) : Infinity;
    if (without / style.target < style.target / with_) {
      close(i, without, true);
      sum = ratio;
      if (heightFor(ratio, 1, style) <= style.target) close(i + 1, heightFor(ratio, 1, style), true);
    } else {
      close(i + 1, with_, true);
    }
  }
  if (first < n) {
    const full = heightFor(sum, n - first, style);
    const nearly = full <= style.target * 1.2;
    close(n, nearly ? full : style.target, nearly);
  }
  rows.height = n ? y - style.gap : 0;
  return rows;
}

function heightFor(sum: number, count: number, style: RowStyle): number {
  return (style.width - (count - 1) * style.gap) / sum;
}

/** Edges are rounded, not widths, so that rounding errors do not add up and the right edge is exact. */
function place(
  rows: Rows,
  first: number,
  end: number,
  ratios: ArrayLike<number>,
  height: number,
  style: RowStyle,
  justify: boolean,
): void {
  let x = 0;
  for (let i = first; i < end; i++) {
    const left = Math.round(x);
    const next = x + shownRatio(ratios[i] ?? 1) * height;
    const right = justify && i === end - 1 ? style.width : Math.round(next);
    rows.x[i] = left;
    rows.w[i] = Math.max(1, right - left);
    x = next + style.gap;
  }
}

/** Height of a month whose photos are not known yet. `perPhoto` is what was learnt from the months that are. */
export function estimateHeight(count: number, style: RowStyle, perPhoto: number | null): number {
  if (count === 0) return 0;
  const perRow = Math.max(1, (style.width + style.gap) / (style.target * 1.35 + style.gap));
  const row = style.target + style.gap + style.caption * 0.6;
  const natural = Math.ceil(count / perRow) * row;
  return Math.round(perPhoto === null ? natural : Math.max(row, count * perPhoto));
}

/** Index of the row whose bottom edge lies at or below y: the first one that can be seen from y downwards. */
export function rowAt(rows: Rows, y: number): number {
  let low = 0;
  let high = rows.count - 1;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (rows.y[mid]! + rows.h[mid]! < y) low = mid + 1;
    else high = mid;
  }
  return low;
}

/** The photo of row `to` that lies most under (or over) photo i: what the arrow keys up and down mean. */
export function photoInRow(rows: Rows, to: number, centre: number): number {
  let best = rows.start[to]!;
  let distance = Infinity;
  for (let i = rows.start[to]!; i < rows.start[to + 1]!; i++) {
    const d = Math.abs(rows.x[i]! + rows.w[i]! / 2 - centre);
    if (d < distance) {
      distance = d;
      best = i;
    }
  }
  return best;
}
