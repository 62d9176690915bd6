// SPDX-License-Identifier: Apache-2.0
import './page.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CacheStats, Purge } from '../../src/api/types.ts';
import { live, type Stage } from '../../src/cache/live.ts';
import { ago, asked, assetOf, doorName, fate, formatName, formatRate, inOrder, lasting, part, question, readPurge, Recent, sourceName } from '../../src/cache/words.ts';

const id = '0190a5d2-7c1e-7f00-8000-00000000abcd';

test('rates are never rounded to all or to nothing', () => {
  assert.equal(formatRate(0, 0), '–');
  assert.equal(formatRate(5, 0), '100%');
  assert.equal(formatRate(0, 5), '0%');
  assert.equal(formatRate(99_999, 1), '99.9%');
  assert.equal(formatRate(1, 99_999), '<0.1%');
  assert.equal(formatRate(1, 1), '50.0%');
  assert.equal(formatRate(2, 1), '66.6%');
});

test('the part of a bound that is used', () => {
  assert.equal(part(1, 4), 0.25);
  assert.equal(part(5, 4), 1);
  assert.equal(part(5, 0), 0);
  assert.equal(part(-1, 4), 0);
});

const row = (door: string, hits: number, misses: number): CacheStats['doors'][number] => ({ door, format: 'webp', hits, misses, bytes: 0, files: 0, fileBytes: 0 });
const seen = (nowMs: number, hits: number, misses: number, startedMs = 1): CacheStats =>
  ({ startedMs, nowMs, doors: [row('immich', hits, misses), row('jobs', 0, nowMs)] }) as CacheStats;

test('what was made before anybody asked is neither hit nor miss', () => {
  assert.deepEqual(asked({ doors: [row('immich', 5, 1), row('jobs', 0, 9), row('imgproxy', 2, 2)] }), { hits: 7, misses: 3, beforehand: 9 });
  assert.deepEqual(asked({ doors: [] }), { hits: 0, misses: 0, beforehand: 0 });
});

test('the last minute is what came since the newest look that is a minute old', () => {
  const r = new Recent();
  assert.deepEqual(r.seen, { hits: 0, misses: 0, seconds: 0 });
  r.add(seen(10_000, 100, 10));
  assert.deepEqual(r.seen, { hits: 0, misses: 0, seconds: 0 });
  r.add(seen(30_000, 140, 12));
  assert.deepEqual(r.seen, { hits: 40, misses: 2, seconds: 20 });
  r.add(seen(70_000, 150, 12));
  assert.deepEqual(r.seen, { hits: 50, misses: 2, seconds: 60 });
  r.add(seen(95_000, 151, 12));
  assert.deepEqual(r.seen, { hits: 11, misses: 0, seconds: 65 });
  r.add(seen(96_000, 3, 0, 2));
  assert.deepEqual(r.seen, { hits: 0, misses: 0, seconds: 0 }, 'a server that has started anew counts from the beginning');
  r.add(seen(97_000, 5, 0, 2));
  assert.equal(r.seen.hits, 2);
});

test('doors, formats and sources by their names', () => {
  assert.equal(doorName('imgproxy'), 'imgproxy URLs');
  assert.equal(doorName('piwigo'), 'piwigo');
  assert.equal(formatName('webp'), 'WebP');
  assert.equal(formatName('jpeg'), 'JPEG');
  assert.equal(assetOf(`asset://${id}`), id);
  assert.equal(assetOf(`asset://${id}/x`), null);
  assert.equal(sourceName(`asset://${id}`), 'Photo 0190a5d2…abcd');
  assert.equal(sourceName('https://a/b.jpg'), 'https://a/b.jpg');
});

test('what a person writes becomes what the server purges, or is told what is wrong', () => {
  const photo = { text: `asset://${id}` };
  assert.deepEqual(readPurge('source', ` ${id.toUpperCase()} `), photo);
  assert.deepEqual(readPurge('source', `asset://${id}`), photo);
  assert.deepEqual(readPurge('source', `https://photos.example.com/#/favorites/photo/${id}`), photo);
  assert.deepEqual(readPurge('source', 'https://a.example/x y.jpg'), { text: 'https://a.example/x y.jpg' });
  assert.ok('error' in readPurge('source', 'holiday.jpg'));
  assert.ok('error' in readPurge('source', 'https://'));
  assert.ok('error' in readPurge('tag', '   '));
  assert.deepEqual(readPurge('tag', ' spring '), { text: 'spring' });
  assert.deepEqual(readPurge('prefix', 'asset://'), { text: 'asset://' });
  assert.ok('error' in readPurge('prefix', 'x'.repeat(961)));
  assert.ok('error' in readPurge('prefix', 'é'.repeat(481)), 'bytes count, not letters');
  assert.deepEqual(readPurge('url', 'http://h:1/imgproxy/x/w:1/plain/a'), { text: 'http://h:1/imgproxy/x/w:1/plain/a' });
  assert.deepEqual(readPurge('url', '/imagor/unsafe/a'), { text: '/imagor/unsafe/a' });
  assert.ok('error' in readPurge('url', 'http://h'));
  assert.ok('error' in readPurge('url', 'a.jpg'));
});

test('the question names what goes, and warns of a purge of everything', () => {
  for (const kind of ['source', 'prefix', 'url', 'tag'] as const) assert.match(question(kind, '/x://y').text, /\/x:\/\/y.*Originals are not touched/);
  assert.match(question('source', 'https://a/b').text, /copy of the source goes too and is fetched/);
  assert.match(question('prefix', 'https://a/b').text, /copies of the sources go too and are fetched/);
  assert.doesNotMatch(question('source', `asset://${id}`).text, /cop(y|ies) of the source/);
  for (const all of ['asset://', 'a', 'https:', 'http://']) assert.match(question('prefix', all).text, /everything there is/);
  assert.doesNotMatch(question('prefix', 'https://a').text, /everything there is/);
});

test('what has become of a purge', () => {
  const p = { files: 0, done: false } as Purge;
  assert.equal(fate(p), 'removing…');
  assert.equal(fate({ ...p, files: 2 }), 'removing, 2 files so far');
  assert.equal(fate({ ...p, files: 1, done: true }), '1 file removed');
  assert.equal(fate({ ...p, done: true }), 'nothing was there');
});

test('times as people say them', () => {
  const now = Date.UTC(2026, 1, 3, 12);
  assert.equal(ago(now + 5000, now), 'just now');
  assert.equal(ago(now - 5 * 60_000, now), '5 minutes ago');
  assert.equal(ago(now - 3 * 3_600_000, now), '3 hours ago');
  assert.equal(ago(now - 24 * 3_600_000, now), 'yesterday');
  assert.equal(lasting(1000), '1 second');
  assert.equal(lasting(91_000), '1 minute');
  assert.equal(lasting(7_200_000), '2 hours');
  assert.equal(lasting(-1), '0 seconds');
});

test('rows that are pointed at keep their places, new ones come behind them', () => {
  const rows = ['c', 'a', 'd', 'b'];
  const same = (x: string): string => x;
  assert.deepEqual(inOrder(rows, same, ['a', 'b', 'c'], false), rows);
  assert.deepEqual(inOrder(rows, same, ['a', 'b', 'c', 'gone'], true), ['a', 'b', 'c', 'd']);
});

// ---- asking again and again

function stage() {
  const s = { hidden: false, timers: [] as { ms: number; run: () => void }[], watcher: () => {} };
  const s2: Stage = {
    hidden: () => s.hidden,
    watch: (run) => {
      s.watcher = run;
      return () => (s.watcher = () => {});
    },
    after: (ms, run) => {
      const timer = { ms, run };
      s.timers.push(timer);
      return () => {
        s.timers = s.timers.filter((t) => t !== timer);
      };
    },
  };
  const ring = (): void => {
    const [timer] = s.timers.splice(0, 1);
    timer!.run();
  };
  return { s, stage: s2, ring };
}
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('it asks, rests, asks again; hidden it does not; shown it asks at once', async () => {
  const { s, stage: at, ring } = stage();
  let asked = 0;
  const l = live(async () => void asked++, 100, at);
  await settle();
  assert.equal(asked, 1);
  assert.deepEqual(s.timers.map((t) => t.ms), [100]);
  ring();
  await settle();
  assert.equal(asked, 2);
  s.hidden = true;
  s.watcher();
  assert.equal(s.timers.length, 0, 'nothing is left that would ask');
  s.hidden = false;
  s.watcher();
  await settle();
  assert.equal(asked, 3);
  l.stop();
  assert.equal(s.timers.length, 0);
  s.watcher();
  await settle();
  assert.equal(asked, 3);
});

test('hidden while an answer is on its way: it comes, and that is all', async () => {
  const { s, stage: at } = stage();
  let answer = (): void => {};
  let asked = 0;
  live(() => new Promise<void>((resolve) => {
    asked++;
    answer = resolve;
  }), 100, at);
  s.hidden = true;
  s.watcher();
  answer();
  await settle();
  for (const t of [...s.timers]) t.run();
  await settle();
  assert.equal(asked, 1);
});

test('a failed question rests longer; one at a time; stop takes it back', async () => {
  const { s, stage: at, ring } = stage();
  let end: (err?: Error) => void = () => {};
  let asked = 0;
  let taken = false;
  const l = live((signal) => {
    asked++;
    signal.addEventListener('abort', () => (taken = true));
    return new Promise((resolve, reject) => {
      end = (err) => (err ? reject(err) : resolve());
    });
  }, 100, at);
  l.now();
  l.now();
  assert.equal(asked, 1);
  end(new Error('no'));
  await settle();
  assert.equal(asked, 2, 'what was asked for in between is asked once');
  end(new Error('no'));
  await settle();
  assert.deepEqual(s.timers.map((t) => t.ms), [400]);
  ring();
  l.stop();
  assert.equal(taken, true);
});

test('paused it asks only when it is told to', async () => {
  const { s, stage: at } = stage();
  let asked = 0;
  const l = live(async () => void asked++, 100, at);
  await settle();
  l.pause(true);
  assert.equal(s.timers.length, 0);
  s.watcher();
  await settle();
  assert.equal(asked, 1);
  l.now();
  await settle();
  assert.equal(asked, 2);
  for (const t of [...s.timers]) t.run();
  await settle();
  assert.equal(asked, 2);
  l.pause(false);
  await settle();
  assert.equal(asked, 3);
  l.stop();
});
