// SPDX-License-Identifier: Apache-2.0
import './page.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Geometry, type Metrics } from '../../src/library/geometry.ts';
import { columnsFromBucket, makeMonth, Source, type Columns } from '../../src/library/source.ts';

const metrics: Metrics = { heading: 72, below: 32, leading: 40, trailing: 170 };

class Fixed extends Source {
  constructor(counts: number[]) {
    super();
    this.months = counts.map((n, i) => makeMonth(new Date(Date.UTC(2024, 5 - i, 1)).toISOString().slice(0, 10), n));
    this.changed();
  }
  refresh = async (): Promise<void> => {};
  want(): void {}
  need = async (): Promise<Columns> => {
    throw new Error('fixed');
  };
  load(index: number): void {
    const m = this.months[index]!;
    const n = m.count;
    m.columns = columnsFromBucket({
      id: Array.from({ length: n }, (_, i) => `${m.key}-${i}`),
      ratio: Array.from({ length: n }, (_, i) => [1.5, 0.75, 1.33, 1.78][i % 4]!),
      thumbhash: Array.from({ length: n }, () => null),
      fileCreatedAt: Array.from({ length: n }, (_, i) => new Date(m.start + 86_400_000 * 27 - i * 3_600_000).toISOString()),
      localOffsetHours: Array.from({ length: n }, () => 0),
      isFavorite: Array.from({ length: n }, () => false),
      isImage: Array.from({ length: n }, () => true),
      duration: Array.from({ length: n }, () => null),
    });
    this.changed();
  }
}

function sheet(counts: number[]): { source: Fixed; geometry: Geometry } {
  const source = new Fixed(counts);
  const geometry = new Geometry(source);
  geometry.update(1000, metrics);
  return { source, geometry };
}

test('what is visible is what lies between the two edges', () => {
  const { source, geometry } = sheet([400, 300, 500]);
  source.load(0);
  source.load(1);
  geometry.update(1000, metrics);
  const top = geometry.topOfMonth(1) - 300;
  const seen = geometry.visible(top, top + 900);
  assert.deepEqual(seen.map((m) => m.index), [0, 1]);
  const first = seen[0]!;
  const body = first.top + metrics.heading;
  const bottom = (r: number): number => body + first.rows!.y[r]! + first.rows!.h[r]!;
  assert.ok(bottom(first.firstRow) >= top);
  assert.ok(first.firstRow === 0 || bottom(first.firstRow - 1) < top);
  assert.equal(first.endRow, first.rows!.count, 'June is seen to its end');
  assert.equal(seen[1]!.firstRow, 0);
});

test('a photo found by its box is the photo seen there', () => {
  const { source, geometry } = sheet([400, 300]);
  source.load(0);
  source.load(1);
  geometry.update(1000, metrics);
  for (let i = 0; i < 700; i += 13) {
    const place = source.placeOf(i)!;
    const box = geometry.boxOf(place)!;
    const [m] = geometry.visible(box.y + 1, box.y + 2);
    assert.equal(m!.index, place.month);
    const { rows } = m!;
    assert.ok(rows!.start[m!.firstRow]! <= place.offset && place.offset < rows!.start[m!.firstRow + 1]!);
  }
});

test('the anchor survives months that get their real height above it', () => {
  const { source, geometry } = sheet([400, 300, 500, 200]);
  source.load(2);
  geometry.update(1000, metrics);
  const y = geometry.topOfMonth(2) + 700;
  const anchor = geometry.anchorAt(y)!;
  const offset = source.months[2]!.columns!.ids.indexOf(anchor.id!);
  const before = geometry.boxOf({ month: 2, offset })!.y - y;
  source.load(0);
  source.load(1);
  geometry.update(1000, metrics);
  const now = geometry.yOf(anchor);
  assert.notEqual(now, y, 'the estimate was not exact, or this test shows nothing');
  assert.ok(Math.abs(geometry.boxOf({ month: 2, offset })!.y - now - before) < 1e-6);
});

test('the anchor survives another width, and its month gone', () => {
  const { source, geometry } = sheet([40, 30, 50]);
  [0, 1, 2].forEach((i) => source.load(i));
  geometry.update(1000, metrics);
  const anchor = geometry.anchorAt(geometry.topOfMonth(1) + 200)!;
  geometry.update(500, metrics);
  const offset = source.months[1]!.columns!.ids.indexOf(anchor.id!);
  assert.ok(Math.abs(geometry.boxOf({ month: 1, offset })!.y + anchor.dy - geometry.yOf(anchor)) < 1e-6);
  source.remove(new Set(source.months[1]!.columns!.ids));
  geometry.update(500, metrics);
  assert.equal(geometry.yOf(anchor), geometry.topOfMonth(1), 'then at the month that follows');
});

test('the top of the page needs no anchor', () => {
  const { geometry } = sheet([10]);
  assert.equal(geometry.anchorAt(0), null);
  assert.equal(geometry.anchorAt(metrics.leading), null);
});

test('a million photos: the window moves, no element gets too tall, every place can be reached', () => {
  const { geometry } = sheet(Array.from({ length: 240 }, () => 4200));
  assert.ok(geometry.total > 30_000_000, 'taller than browsers allow');
  assert.ok(geometry.windowHeight <= 8_000_000);
  const view = 900;
  let scroll = 0;
  let y = 0;
  let moves = 0;
  while (y < geometry.total - view) {
    const step = Math.min(5000, geometry.total - view - y);
    scroll += step;
    y = geometry.base + scroll;
    const shift = geometry.rebase(y, view);
    scroll += shift;
    if (shift !== 0) moves++;
    assert.equal(geometry.base + scroll, y, 'moving the window moves nothing that is seen');
    assert.ok(scroll >= 0 && scroll + view <= geometry.windowHeight, `${scroll} lies inside the window`);
  }
  assert.ok(moves > 3 && moves < 40, `${moves} moves`);
  while (y > 0) {
    scroll -= Math.min(5000, scroll);
    y = geometry.base + scroll;
    scroll += geometry.rebase(y, view);
    if (y === 0) break;
    assert.ok(scroll >= 0);
  }
  assert.equal(geometry.base, 0);
});
