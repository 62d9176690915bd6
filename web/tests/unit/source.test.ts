// SPDX-License-Identifier: Apache-2.0
import { serve } from './page.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BucketColumns } from '../../src/api/types.ts';
import { parseQuery } from '../../src/library/query.ts';
import { SearchSource } from '../../src/library/search-source.ts';
import { clear, toggle } from '../../src/library/selection.ts';
import { kept, TimelineSource } from '../../src/library/source.ts';

/** A server with these months; ids are "m<month>-<n>". */
function library(counts: Record<string, number>) {
  const gone = new Set<string>();
  const ids = (key: string): string[] => Array.from({ length: counts[key] ?? 0 }, (_, i) => `${key}-${i}`).filter((id) => !gone.has(id));
  const asked = serve({
    'GET /timeline/buckets': () => Object.keys(counts).map((timeBucket) => ({ timeBucket, count: ids(timeBucket).length })).filter((b) => b.count > 0),
    'GET /timeline/bucket': (query): BucketColumns => {
      const list = ids(query.get('timeBucket')!);
      return {
        id: list,
        ratio: list.map(() => 1.5),
        thumbhash: list.map(() => null),
        fileCreatedAt: list.map((_, i) => new Date(Date.parse(query.get('timeBucket')!) + 86_400_000 * (20 - i)).toISOString()),
        localOffsetHours: list.map(() => 2),
        isFavorite: list.map(() => false),
        isImage: list.map(() => true),
        duration: list.map(() => null),
      };
    },
  });
  return { asked, gone };
}

const counts = { '2024-06-01': 3, '2024-05-01': 5, '2023-12-01': 2 };

test('places and indexes over all months', async () => {
  library(counts);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  assert.equal(source.total, 10);
  assert.deepEqual(source.months.map((m) => m.key), ['2024-06-01', '2024-05-01', '2023-12-01']);
  assert.deepEqual([0, 2, 3, 7, 8, 9].map((i) => source.placeOf(i)), [
    { month: 0, offset: 0 }, { month: 0, offset: 2 }, { month: 1, offset: 0 }, { month: 1, offset: 4 }, { month: 2, offset: 0 }, { month: 2, offset: 1 },
  ]);
  assert.equal(source.placeOf(10), null);
  assert.equal(source.placeOf(-1), null);
  assert.equal(source.idAt(4), null, 'not loaded yet');
  await source.need(1);
  assert.equal(source.idAt(4), '2024-05-01-1');
  assert.equal(source.indexOf('2024-05-01-1'), 4);
  assert.equal(source.indexOf('2023-12-01-0'), -1);
});

test('times are those of the clock on the wall', async () => {
  library(counts);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  const c = await source.need(0);
  assert.equal(new Date(c.times[0]!).toISOString(), '2024-06-21T02:00:00.000Z');
  assert.equal(c.days[0], Math.floor(Date.parse('2024-06-21') / 86_400_000));
});

test('what is asked of the server', async () => {
  const { asked } = library(counts);
  await new TimelineSource({ isTrashed: false, isFavorite: true }).refresh();
  await new TimelineSource({ isTrashed: true }).refresh();
  assert.deepEqual(asked.map((a) => a.path), ['/timeline/buckets?isTrashed=false&visibility=timeline&isFavorite=true', '/timeline/buckets?isTrashed=true']);
});

test('a range crosses months that nobody has looked at', async () => {
  library(counts);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  await source.need(0);
  const ids = await source.idsBetween(8, 1);
  assert.deepEqual(ids, ['2024-06-01-1', '2024-06-01-2', '2024-05-01-0', '2024-05-01-1', '2024-05-01-2', '2024-05-01-3', '2024-05-01-4', '2023-12-01-0']);
});

test('removing photos moves the rest up; an empty month goes', async () => {
  library(counts);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  await source.idsBetween(0, 9);
  source.remove(new Set(['2024-06-01-1', '2023-12-01-0', '2023-12-01-1']));
  assert.equal(source.total, 7);
  assert.deepEqual(source.months.map((m) => m.count), [2, 5]);
  assert.equal(source.idAt(1), '2024-06-01-2');
});

test('a refresh loads only months whose number changed, and keeps showing them meanwhile', async () => {
  const { asked, gone } = library(counts);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  await source.idsBetween(0, 9);
  const may = source.months[1]!.columns;
  gone.add('2024-06-01-0');
  asked.length = 0;
  await source.refresh();
  assert.deepEqual(asked.map((a) => a.path.split('?')[0]), ['/timeline/buckets', '/timeline/bucket']);
  assert.equal(source.months[1]!.columns, may, 'May is the same object');
  assert.deepEqual(source.months[0]!.columns!.ids, ['2024-06-01-1', '2024-06-01-2']);
  assert.equal(source.total, 9);
});

test('many refreshes at once are two', async () => {
  const { asked } = library(counts);
  const source = new TimelineSource({ isTrashed: false });
  await Promise.all([1, 2, 3, 4, 5].map(() => source.refresh()));
  assert.equal(asked.length, 2);
});

test('months that leave the view on the way are not waited for', async () => {
  const { asked } = library(counts);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  source.want(0, 0);
  source.want(2, 2);
  await source.need(1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(source.months[0]!.columns, null, 'June was given up');
  assert.ok(source.months[2]!.columns, 'December is there');
  assert.ok(asked.length >= 3);
});

test('hearts are changed where they are shown', async () => {
  library(counts);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  await source.need(0);
  const before = source.months[0]!.columns;
  source.setFavorite(new Set(['2024-06-01-1']), true);
  assert.ok(source.areFavorite(new Set(['2024-06-01-1'])));
  assert.ok(!source.areFavorite(new Set(['2024-06-01-1', '2024-06-01-0'])));
  assert.ok(!source.areFavorite(new Set(['2023-12-01-0'])), 'of what is not loaded nothing is claimed');
  assert.notEqual(source.months[0]!.columns, before, 'a new object, so that the rows are drawn again');
});

test('photos of months that nobody has looked at for long are let go; counts stay, and they come again', async () => {
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`2023-${String(12 - i).padStart(2, '0')}-01`, kept / 5]));
  library(many);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  const held = () => source.months.reduce((n, m) => n + (m.columns?.n ?? 0), 0);
  for (let i = 0; i < 12; i++) {
    source.want(i, i);
    await source.need(i);
    assert.ok(held() <= kept, `${held()} photos are held`);
    assert.ok(source.months[i]!.columns, 'never what is in view');
  }
  assert.equal(source.total, (12 * kept) / 5);
  assert.equal(source.months[0]!.columns, null, 'the one looked at longest ago went first');
  assert.ok(source.months[10]!.columns);
  assert.equal((await source.need(0)).n, kept / 5);
});

test('the photo where a range begins stays at hand', async () => {
  const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`2023-${String(12 - i).padStart(2, '0')}-01`, kept / 5]));
  library(many);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  source.want(0, 0);
  await source.need(0);
  toggle('2023-12-01-7');
  const ids = await source.idsBetween(7, source.total - 1);
  assert.equal(new Set(ids).size, source.total - 7, 'a range over everything has every photo once');
  assert.equal(source.indexOf('2023-12-01-7'), 7);
  assert.ok(source.months.filter((m) => m.columns).length <= 6);
  clear();
});

test('taken away from months that were let go: the source says that it did not know them', async () => {
  library(counts);
  const source = new TimelineSource({ isTrashed: false });
  await source.refresh();
  await source.need(0);
  assert.equal(source.remove(new Set(['2024-06-01-1', '2023-12-01-0'])), 1);
});

test('a search reads page after page and drops what the padded bounds caught too much', async () => {
  const at = (iso: string, id: string) => ({
    id, type: 'IMAGE', originalFileName: `${id}.jpg`, thumbhash: null, fileCreatedAt: iso, localDateTime: iso, isFavorite: false, isTrashed: false, width: 300, height: 200,
  });
  const pages = [
    { items: [at('2019-08-01T00:30:00.000Z', 'late'), at('2019-07-31T23:59:00.000Z', 'a')], nextPage: '2' },
    { items: [at('2019-07-31T23:59:00.000Z', 'a'), at('2019-07-02T10:00:00.000Z', 'b')], nextPage: '3' },
    { items: [at('2019-06-30T23:00:00.000Z', 'early')], nextPage: null },
  ];
  const asked = serve({ 'POST /search/metadata': (_q, body: { page: number }) => ({ assets: pages[body.page - 1] }) });
  const source = new SearchSource(parseQuery('july 2019 img'));
  await source.refresh();
  assert.equal(source.total, 1);
  assert.equal(source.complete, false);
  source.want(0, 0);
  await new Promise((resolve) => setTimeout(resolve, 10));
  source.want(0, 0);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(source.months.map((m) => [m.key, m.columns!.ids]), [['2019-07-01', ['a', 'b']]], 'each once, only July');
  assert.equal(source.complete, true);
  const body = asked[0]!.body as Record<string, string>;
  assert.equal(body['originalFileName'], 'img');
  assert.equal(body['takenAfter'], '2019-06-30T10:00:00.000Z');
});
