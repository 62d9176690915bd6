// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateHeight, layoutRows, photoInRow, rowAt, type RowStyle } from '../../src/library/layout.ts';

const style: RowStyle = { width: 1000, target: 200, gap: 4, caption: 28 };

/** A small generator, so that every run sees the same "random" albums. */
function random(seed: number): () => number {
  let s = seed;
  return () => ((s = (Math.imul(s, 1664525) + 1013904223) >>> 0) / 2 ** 32);
}

function album(n: number, seed = 1): { ratios: number[]; days: number[] } {
  const r = random(seed);
  const shapes = [1.5, 1.5, 1.333, 0.667, 0.75, 1, 1.78, 2.9, 6, 0.2];
  const ratios = Array.from({ length: n }, () => shapes[Math.floor(r() * shapes.length)]!);
  let day = 100;
  const days = ratios.map(() => (r() < 0.2 ? --day : day));
  return { ratios, days };
}

test('rows fill the width exactly and never overlap', () => {
  for (let seed = 1; seed < 60; seed++) {
    const { ratios, days } = album(137, seed);
    const rows = layoutRows(ratios, days, { ...style, width: 320 + seed * 37 });
    const width = 320 + seed * 37;
    let bottom = 0;
    for (let r = 0; r < rows.count; r++) {
      assert.ok(rows.y[r]! >= bottom, 'rows go down');
      bottom = rows.y[r]! + rows.h[r]!;
      for (let i = rows.start[r]!; i < rows.start[r + 1]!; i++) {
        const right = rows.x[i]! + rows.w[i]!;
        assert.ok(rows.w[i]! > 0 && right <= width, `photo ${i} lies inside`);
        if (i + 1 < rows.start[r + 1]!) {
          const gap = rows.x[i + 1]! - right;
          assert.ok(gap >= style.gap - 1 && gap <= style.gap + 1, `gap ${gap}`);
        } else if (r + 1 < rows.count) {
          assert.equal(right, width, 'right edge is exact');
        }
      }
    }
    assert.equal(rows.start[rows.count], 137, 'every photo has its place');
    assert.ok(Math.abs(rows.height - bottom) < 1e-9);
  }
});

test('row heights stay near the wish', () => {
  const { ratios, days } = album(1000, 9);
  const rows = layoutRows(ratios, days, style);
  for (let r = 0; r < rows.count - 1; r++) {
    assert.ok(rows.h[r]! > style.target * 0.55 && rows.h[r]! < style.target * 1.6, `row ${r}: ${rows.h[r]}`);
  }
});

test('a short last row keeps the wished height', () => {
  const rows = layoutRows([1.5, 1.5], [1, 1], style);
  assert.equal(rows.count, 1);
  assert.equal(rows.h[0], 200);
  assert.equal(rows.w[0], 300);
});

test('a caption stands above each row in which a day begins, and only there', () => {
  const ratios = Array.from({ length: 12 }, () => 1.5);
  // Rows of three: the day changes with photo 7, in the third row.
  const rows = layoutRows(ratios, [3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2], style);
  assert.deepEqual(Array.from(rows.start.slice(0, rows.count)), [0, 3, 6, 9]);
  assert.deepEqual(Array.from(rows.caption.slice(0, rows.count)), [1, 0, 1, 0]);
  assert.equal(rows.y[0], style.caption);
});

test('odd sizes do no harm', () => {
  assert.equal(layoutRows([], [], style).height, 0);
  const rows = layoutRows([NaN, 0, Infinity, -1], [1, 1, 1, 1], style);
  assert.equal(rows.start[rows.count], 4);
  assert.ok(rows.height > 0 && Number.isFinite(rows.height));
});

test('the estimate before loading is near the truth', () => {
  const r = random(4);
  const ratios = Array.from({ length: 600 }, () => [1.5, 1.333, 0.75, 1.5][Math.floor(r() * 4)]!);
  const days = ratios.map((_, i) => Math.floor(i / 20));
  const rows = layoutRows(ratios, days, style);
  const guess = estimateHeight(600, style, null);
  assert.ok(Math.abs(guess - rows.height) / rows.height < 0.2, `${guess} for ${rows.height}`);
  assert.equal(estimateHeight(600, style, rows.height / 600), Math.round(rows.height));
});

test('rowAt and photoInRow find what the eye would', () => {
  const { ratios, days } = album(500, 3);
  const rows = layoutRows(ratios, days, style);
  for (let y = 0; y < rows.height; y += 53) {
    const r = rowAt(rows, y);
    assert.ok(rows.y[r]! + rows.h[r]! >= y);
    if (r > 0) assert.ok(rows.y[r - 1]! + rows.h[r - 1]! < y);
  }
  const under = photoInRow(rows, 3, 0);
  assert.equal(under, rows.start[3]);
  assert.equal(photoInRow(rows, 3, 5000), rows.start[4]! - 1);
});
