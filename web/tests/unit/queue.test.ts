// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isClutter, parallel, UploadQueue } from '../../src/upload/queue.ts';
import type { Engine, Given, Item, Remembered, Store } from '../../src/upload/types.ts';

/** Lets promises that are already settled have their say. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Memory implements Store {
  records = new Map<string, Remembered>();
  load = async (): Promise<Remembered[]> => [...this.records.values()];
  put = async (list: Remembered[]): Promise<void> => list.forEach((r) => this.records.set(r.key, { ...r }));
  remove = async (keys: string[]): Promise<void> => keys.forEach((k) => this.records.delete(k));
}

class FakeEngine implements Engine {
  started: Item[] = [];
  log: string[] = [];
  start(item: Item): void {
    this.started.push(item);
    this.log.push(`start ${item.path}${item.url ? ` at ${item.url}` : ''}`);
  }
  pause = (key: string): void => void this.log.push(`pause ${key.split('\n')[0]}`);
  resume = (key: string): void => void this.log.push(`resume ${key.split('\n')[0]}`);
  cancel = (key: string): void => void this.log.push(`cancel ${key.split('\n')[0]}`);
}

function file(path: string, size = 100, mtime = 1000): Given {
  const f = new Blob([new Uint8Array(size)]) as unknown as File;
  Object.assign(f, { name: path.split('/').pop(), lastModified: mtime });
  return { file: f, path };
}

function setUp(store = new Memory()) {
  const engine = new FakeEngine();
  const others = new Set<string>();
  const seen = { arrived: 0, forgotten: [] as string[], asked: [] as string[] };
  const answers = { there: true as boolean | Error };
  let back = (): void => {};
  const queue = new UploadQueue({
    engine: () => engine,
    store,
    serverBack: () => new Promise((resolve) => (back = resolve)),
    stillThere: async (id) => {
      seen.asked.push(id);
      if (answers.there instanceof Error) throw answers.there;
      return answers.there;
    },
    elsewhere: async () => others,
    forget: async (url) => void seen.forgotten.push(url),
    arrived: () => seen.arrived++,
    now: () => 5,
  });
  const item = (path: string): Item => [...queue.items.values()].find((i) => i.path === path)!;
  return { queue, engine, store, seen, answers, others, item, serverReturns: () => back() };
}

const many = (n: number): Given[] => Array.from({ length: n }, (_, i) => file(`trip/${i}.jpg`));

test('only a few files are in flight, the next starts when one lands', async () => {
  const { queue, engine, item } = setUp();
  queue.add(many(10));
  await settle();
  assert.equal(engine.started.length, parallel);
  queue.done(item('trip/0.jpg').key, 'a', 'created');
  assert.equal(engine.started.length, parallel + 1);
  assert.equal(queue.totals().byState.done, 1);
  assert.equal(queue.totals().sentBytes, 100);
});

test('the same file twice is one file; clutter is none', async () => {
  const { queue } = setUp();
  const r = queue.add([file('a.jpg'), file('a.jpg'), file('x/.DS_Store'), file('b/a.jpg'), file('Thumbs.db')]);
  assert.deepEqual(r, { added: 3, ignored: 2 });
  assert.equal(queue.items.size, 2);
  assert.ok(isClutter('._IMG_1.jpg') && !isClutter('IMG_1.jpg'));
});

test('what another tab is sending is neither listed nor forgotten', async () => {
  const store = new Memory();
  const first = setUp(store);
  first.queue.add([file('a.jpg'), file('b.jpg')]);
  await settle();
  first.queue.url(first.item('a.jpg').key, 'http://x/files/1');
  await first.queue.flush();
  const second = setUp(store);
  first.queue.sending().forEach((key) => second.others.add(key));
  await second.queue.recall();
  assert.equal(second.queue.totals().files, 0);
  second.queue.clear('missing');
  assert.deepEqual(second.seen.forgotten, []);
  // The first tab is closed: now they are unfinished.
  const third = setUp(store);
  await third.queue.recall();
  assert.equal(third.queue.totals().byState.missing, 2);
});

test('dropped again while the memory is still being read: it continues where it stopped', async () => {
  const store = new Memory();
  const before = setUp(store);
  before.queue.add([file('0.jpg'), file('1.jpg'), file('2.jpg'), file('a.jpg')]);
  await settle();
  before.queue.url(before.item('a.jpg').key, 'http://x/files/9');
  await before.queue.flush();
  const now = setUp(store);
  now.queue.add([file('x.jpg'), file('y.jpg'), file('z.jpg'), file('a.jpg')]);
  await now.queue.recall();
  now.queue.done(now.item('x.jpg').key, 'x', 'created');
  assert.equal(now.engine.log.at(-1), 'start a.jpg at http://x/files/9');
});

test('an empty file never reaches the server', async () => {
  const { queue, engine, item } = setUp();
  queue.add([file('empty.jpg', 0), file('b.jpg')]);
  await settle();
  assert.equal(item('empty.jpg').state, 'failed');
  assert.deepEqual(engine.log, ['start b.jpg']);
});

test('when nobody answers the queue waits, and goes on where it was', async () => {
  const { queue, engine, item, serverReturns } = setUp();
  queue.add(many(5));
  await settle();
  const key = item('trip/1.jpg').key;
  queue.url(key, 'http://h/files/1');
  queue.progress(key, 60);
  for (const i of [0, 1, 2]) queue.failed(item(`trip/${i}.jpg`).key, { kind: 'network', message: '' });
  assert.equal(queue.hold.value, 'offline');
  assert.equal(engine.started.length, 3, 'nothing new starts while the server is away');
  engine.log.length = 0;
  serverReturns();
  await settle();
  assert.equal(queue.hold.value, 'none');
  assert.ok(engine.log.includes('start trip/1.jpg at http://h/files/1'));
  assert.equal(engine.log.length, 3);
});

test('a refused file does not stop the others, and may be tried again', async () => {
  const { queue, engine, item, store } = setUp();
  queue.add(many(4));
  await settle();
  const bad = item('trip/0.jpg');
  queue.failed(bad.key, { kind: 'refused', message: 'Not a picture.' });
  assert.equal(bad.state, 'failed');
  assert.equal(bad.error, 'Not a picture.');
  assert.equal(engine.started.length, 4);
  await queue.flush();
  assert.ok(!store.records.has(bad.key), 'what the server refused is not unfinished');
  queue.retry(bad.key);
  assert.equal(bad.state, 'waiting');
  queue.done(item('trip/1.jpg').key, 'x', 'created');
  assert.equal(bad.state, 'uploading');
});

test('a file that keeps breaking without progress fails in the end', async () => {
  const { queue, item, serverReturns } = setUp();
  queue.add([file('a.jpg')]);
  await settle();
  for (let i = 0; i < 8; i++) {
    queue.failed(item('a.jpg').key, { kind: 'network', message: 'Broken.' });
    serverReturns();
    await settle();
  }
  assert.equal(item('a.jpg').state, 'failed');
  assert.match(item('a.jpg').error!, /Tried 8 times/);
});

test('progress counts as hope: tries start again', async () => {
  const { queue, item, serverReturns } = setUp();
  queue.add([file('a.jpg', 1000)]);
  await settle();
  for (let i = 0; i < 20; i++) {
    queue.progress(item('a.jpg').key, 10 + i);
    queue.failed(item('a.jpg').key, { kind: 'network', message: 'Broken.' });
    serverReturns();
    await settle();
  }
  assert.equal(item('a.jpg').state, 'uploading');
});

test('a full disk holds everything until somebody says go', async () => {
  const { queue, engine, item } = setUp();
  queue.add(many(4));
  await settle();
  queue.failed(item('trip/0.jpg').key, { kind: 'full', message: '' });
  assert.equal(queue.hold.value, 'full');
  assert.equal(engine.started.length, 3);
  queue.release();
  assert.equal(queue.hold.value, 'none');
  assert.equal(engine.started.length, 4);
});

test('after signing in again it goes on', async () => {
  const { queue, engine, item } = setUp();
  queue.add([file('a.jpg')]);
  await settle();
  queue.failed(item('a.jpg').key, { kind: 'auth', message: '' });
  assert.equal(queue.hold.value, 'signed-out');
  queue.signedIn();
  assert.equal(engine.started.length, 2);
});

test('pause and resume, one file and all', async () => {
  const { queue, engine, item } = setUp();
  queue.add(many(4));
  await settle();
  queue.pause(item('trip/0.jpg').key);
  assert.equal(item('trip/0.jpg').state, 'paused');
  assert.equal(item('trip/3.jpg').state, 'uploading', 'the next one takes the place');
  queue.pauseAll();
  assert.equal(queue.totals().byState.paused, 4);
  queue.release();
  assert.equal(queue.totals().byState.uploading, 4, 'what had begun goes on');
  assert.deepEqual(
    engine.log.filter((l) => l.startsWith('resume')).sort(),
    [0, 1, 2, 3].map((i) => `resume trip/${i}.jpg`),
  );
});

test('cancelling tells the server, also for files of an earlier visit', async () => {
  const store = new Memory();
  store.records.set('old.jpg\n5\n6', {
    key: 'old.jpg\n5\n6', path: 'old.jpg', size: 5, mtime: 6, url: 'http://h/files/9', done: false, assetId: null, addedAt: 1,
  });
  const { queue, engine, item, seen } = setUp(store);
  await queue.recall();
  queue.add([file('new.jpg')]);
  await settle();
  queue.cancel(item('new.jpg').key);
  queue.cancel(item('old.jpg').key);
  assert.ok(engine.log.includes('cancel new.jpg'));
  assert.deepEqual(seen.forgotten, ['http://h/files/9']);
  assert.equal(queue.items.size, 0);
  assert.equal(store.records.size, 0);
  assert.deepEqual([queue.totals().bytes, queue.totals().sentBytes], [0, 0]);
});

test('cancelling everything starts nothing', async () => {
  const { queue, engine } = setUp();
  queue.add(many(50));
  await settle();
  assert.equal(engine.started.length, parallel);
  queue.clear('waiting', 'uploading');
  await settle();
  assert.equal(engine.started.length, parallel);
  assert.equal(queue.items.size, 0);
  queue.add([file('later.jpg')]);
  await settle();
  assert.deepEqual(engine.started.slice(parallel).map((i) => i.path), ['later.jpg'], 'what was cancelled in line never starts');
});

test('a cancelled file that is dropped again starts once', async () => {
  const { queue, engine, item } = setUp();
  queue.add(many(5));
  await settle();
  queue.cancel(item('trip/4.jpg').key);
  queue.add([file('trip/4.jpg')]);
  for (const i of [0, 1, 2, 3, 4]) queue.done(item(`trip/${i}.jpg`).key, `id-${i}`, 'created');
  assert.equal(engine.started.filter((i) => i.path === 'trip/4.jpg').length, 1);
});

test('after a reload the unfinished are listed, and continue when dropped again', async () => {
  const store = new Memory();
  const first = setUp(store);
  first.queue.add(many(3));
  await settle();
  first.queue.done(first.item('trip/0.jpg').key, 'asset-0', 'created');
  first.queue.url(first.item('trip/1.jpg').key, 'http://h/files/1');
  await first.queue.flush();

  const second = setUp(store);
  await second.queue.recall();
  assert.equal(second.queue.totals().byState.missing, 2);
  assert.equal(second.queue.totals().byState.done, 0);

  second.queue.add(many(3));
  await settle();
  assert.deepEqual(second.seen.asked, ['asset-0']);
  assert.equal(second.item('trip/0.jpg').state, 'done');
  assert.equal(second.item('trip/0.jpg').result, 'present');
  assert.deepEqual(second.engine.log.sort(), ['start trip/1.jpg at http://h/files/1', 'start trip/2.jpg']);
  assert.equal(second.seen.arrived, 0, 'nothing new came into the library');
});

test('what was deleted on the server since is sent again', async () => {
  const store = new Memory();
  store.records.set('a.jpg\n100\n1000', {
    key: 'a.jpg\n100\n1000', path: 'a.jpg', size: 100, mtime: 1000, url: null, done: true, assetId: 'gone', addedAt: 1,
  });
  const { queue, engine, answers } = setUp(store);
  answers.there = false;
  await queue.recall();
  queue.add([file('a.jpg')]);
  await settle();
  assert.deepEqual(engine.log, ['start a.jpg']);
});

test('a changed file of the same name is another file', async () => {
  const store = new Memory();
  store.records.set('a.jpg\n100\n1000', {
    key: 'a.jpg\n100\n1000', path: 'a.jpg', size: 100, mtime: 1000, url: null, done: true, assetId: 'old', addedAt: 1,
  });
  const { queue, engine, seen } = setUp(store);
  await queue.recall();
  queue.add([file('a.jpg', 100, 2000)]);
  await settle();
  assert.deepEqual(seen.asked, []);
  assert.deepEqual(engine.log, ['start a.jpg']);
});

test('dropping a finished file again in the same visit asks the server', async () => {
  const { queue, item, seen } = setUp();
  queue.add([file('a.jpg')]);
  await settle();
  queue.done(item('a.jpg').key, 'id-1', 'created');
  assert.equal(item('a.jpg').file, null, 'bytes that are safe are not kept');
  queue.add([file('a.jpg')]);
  await settle();
  assert.deepEqual(seen.asked, ['id-1']);
  assert.equal(item('a.jpg').result, 'present');
});

test('sums stay right through everything', async () => {
  const { queue, item, serverReturns } = setUp();
  queue.add(many(40));
  await settle();
  let seed = 7;
  const random = (n: number): number => (seed = (Math.imul(seed, 48271) >>> 0) % 2147483647) % n;
  for (let step = 0; step < 600; step++) {
    const list = [...queue.items.values()];
    if (list.length < 5) queue.add(many(40));
    const it = list[random(list.length)];
    if (!it) continue;
    switch (random(8)) {
      case 0: queue.pause(it.key); break;
      case 1: queue.resume(it.key); break;
      case 2: if (random(6) === 0) queue.cancel(it.key); break;
      case 3: if (it.state === 'uploading') queue.done(it.key, `id-${step}`, 'created'); break;
      case 4: if (it.state === 'uploading') queue.progress(it.key, random(101)); break;
      case 5: if (it.state === 'uploading') queue.failed(it.key, { kind: random(2) ? 'network' : 'refused', message: 'x' }); break;
      case 6: queue.retry(it.key); break;
      default: queue.release(); serverReturns();
    }
    await settle();
    const t = queue.totals();
    const now = [...queue.items.values()];
    assert.equal(t.files, now.length);
    assert.equal(t.bytes, now.reduce((n, i) => n + i.size, 0));
    assert.equal(t.sentBytes, now.reduce((n, i) => n + i.sent, 0));
    for (const [state, n] of Object.entries(t.byState)) assert.equal(n, now.filter((i) => i.state === state).length, state);
    // A file that was paused and goes on may exceed the usual number for a while, but never by more than what was paused.
    assert.ok(t.byState.uploading <= 40);
  }
  void item;
});
