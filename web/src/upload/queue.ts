// SPDX-License-Identifier: Apache-2.0
//
// The upload queue: which file goes next, what a failure means, what is remembered. It knows neither the network (engine)
// nor the browser's storage (store) nor how it looks (panel), so that its rules can be tested alone.
//
//   missing --dropped again--> waiting --> uploading --> done
//                               ^  ^           |  \--> failed (this file will not do)
//                    checking --'  '-----------'  nobody answered: back, with the URL to continue at
//
// The engine holds at most `parallel` files: ten thousand files cost ten thousand small objects here and nothing else.
//
// `hold` stops the whole queue for a reason that concerns every file. While it is 'offline' the queue waits for the server
// by itself; 'signed-out' ends with the next sign-in; 'full' and 'paused' end when a person says so.

import { signal } from '@preact/signals';
import {
  keyOf,
  type Engine,
  type EngineEvents,
  type Failure,
  type Given,
  type Item,
  type ItemState,
  type Remembered,
  type Result,
  type Store,
} from './types.ts';

export type Hold = 'none' | 'paused' | 'offline' | 'signed-out' | 'full' | 'busy';

export interface Totals {
  /** files of this visit, and those remembered from earlier ones */
  files: number;
  byState: Record<ItemState, number>;
  bytes: number;
  sentBytes: number;
  added: number;
  already: number;
}

export interface Outside {
  engine: (events: EngineEvents) => Engine | Promise<Engine>;
  store: Store;
  /** Resolves when the server answers again. */
  serverBack: () => Promise<void>;
  /** Does the server still have this asset (and not in the trash)? */
  stillThere: (assetId: string) => Promise<boolean>;
  /** Files that other tabs are sending: theirs, not unfinished. */
  elsewhere: () => Promise<ReadonlySet<string>>;
  /** Tells the server to forget an unfinished upload of an earlier visit. */
  forget: (url: string) => Promise<void>;
  /** Something new is in the library. */
  arrived: () => void;
  now: () => number;
}

/** Leaves connections for the pictures: browsers open six per host. */
export const parallel = 3;
const mostTries = 8;
const flushDelay = 150;

export class UploadQueue implements EngineEvents {
  readonly items = new Map<string, Item>();
  readonly version = signal(0);
  readonly hold = signal<Hold>('none');
  private waiting: Item[] = [];
  private engine: Engine | null = null;
  private engineLoading: Promise<void> | null = null;
  private dirty = new Map<string, Item>();
  private flushTimer: ReturnType<typeof setTimeout> | null = null;
  private bump: ReturnType<typeof setTimeout> | null = null;
  private soon = false;
  private readonly counts: Record<ItemState, number> = {
    missing: 0, waiting: 0, checking: 0, uploading: 0, paused: 0, failed: 0, done: 0,
  };
  private bytes = 0;
  private sentBytes = 0;
  private added = 0;
  private already = 0;
  /** Files that earlier visits finished: not listed, but skipped when dropped again if the server still has them. */
  private readonly finished = new Map<string, Remembered>();

  constructor(private readonly outside: Outside) {}

  /** Brings back what earlier visits left unfinished. */
  async recall(): Promise<void> {
    const records = await this.outside.store.load();
    for (const r of records) if (r.done) this.finished.set(r.key, r);
    const unfinished = records.filter((r) => !r.done);
    if (unfinished.length === 0) return;
    const elsewhere = await this.outside.elsewhere();
    for (const r of unfinished) {
      if (elsewhere.has(r.key)) continue;
      const item = this.items.get(r.key);
      if (!item) this.insert(itemFrom(r));
      // Dropped again before the memory was read: it can still continue where it stopped.
      else if (item.state === 'waiting' && !item.engaged) item.url ??= r.url;
    }
    this.touch(true);
  }

  add(given: Given[]): { added: number; ignored: number } {
    let added = 0;
    let ignored = 0;
    for (const { file, path } of given) {
      if (isClutter(file.name)) {
        ignored++;
        continue;
      }
      const key = keyOf(path, file.size, file.lastModified);
      const item = this.items.get(key) ?? this.insert(newItem(key, file, path, this.outside.now()));
      added++;
      if (item.state === 'done') {
        // Sent a moment ago, but perhaps deleted since: goes through the same check as files of earlier visits.
        this.finished.set(key, recordOf(item));
        this.sentTo(item, 0);
      }
      if (item.state === 'missing' || item.state === 'failed' || item.state === 'done') {
        item.file = file;
        this.enqueue(item);
      }
    }
    this.touch(true);
    this.pump();
    return { added, ignored };
  }

  private insert(item: Item): Item {
    this.items.set(item.key, item);
    this.counts[item.state]++;
    this.bytes += item.size;
    return item;
  }

  private set(item: Item, state: ItemState): void {
    this.counts[item.state]--;
    this.counts[state]++;
    item.state = state;
    this.touch(false);
  }

  private sentTo(item: Item, sent: number): void {
    this.sentBytes += sent - item.sent;
    item.sent = sent;
  }

  private enqueue(item: Item, first = false): void {
    item.error = null;
    this.set(item, 'waiting');
    if (first) this.waiting.unshift(item);
    else this.waiting.push(item);
    this.remember(item);
  }

  totals(): Totals {
    return {
      files: this.items.size,
      byState: { ...this.counts },
      bytes: this.bytes,
      sentBytes: this.sentBytes,
      added: this.added,
      already: this.already,
    };
  }

  /** What this tab has in hand. */
  sending(): string[] {
    return [...this.items.values()].filter((i) => i.file !== null && i.state !== 'done' && i.state !== 'failed').map((i) => i.key);
  }

  get busy(): boolean {
    return this.counts.waiting + this.counts.checking + this.counts.uploading > 0;
  }

  // ---- the pump

  private pump(): void {
    if (this.hold.value !== 'none' || this.waiting.length === 0) return;
    if (!this.engine) {
      this.engineLoading ??= this.loadEngine();
      return;
    }
    while (this.counts.uploading + this.counts.checking < parallel) {
      const item = this.waiting.shift();
      if (!item) return;
      // Paused, cancelled or begun since it was put in line.
      if (item.state !== 'waiting' || this.items.get(item.key) !== item) continue;
      this.begin(item, this.engine);
    }
  }

  private async loadEngine(): Promise<void> {
    try {
      this.engine = await this.outside.engine(this);
    } catch {
      // The code of the engine itself could not be fetched: the server is away.
      this.engineLoading = null;
      this.holdUntilBack();
      return;
    }
    this.pump();
  }

  private begin(item: Item, engine: Engine): void {
    if (item.size === 0) {
      this.fail(item, 'The file is empty.');
      return;
    }
    const before = this.finished.get(item.key);
    if (before?.assetId) {
      this.set(item, 'checking');
      this.check(item, before.assetId);
      return;
    }
    this.set(item, 'uploading');
    item.engaged = true;
    engine.start(item);
  }

  /** Sent on an earlier visit. It may have been deleted since, so the server is asked before the file is skipped. */
  private check(item: Item, assetId: string): void {
    this.outside.stillThere(assetId).then(
      (there) => {
        if (item.state !== 'checking') return;
        this.finished.delete(item.key);
        if (there) this.succeed(item, assetId, 'present');
        else {
          item.url = null;
          this.enqueue(item, true);
        }
        this.pump();
      },
      (err: { status?: number }) => {
        if (item.state !== 'checking') return;
        this.enqueue(item, true);
        if (err.status === 401) this.hold.value = 'signed-out';
        else this.holdUntilBack();
      },
    );
  }

  // ---- what the engine tells

  url(key: string, url: string): void {
    const item = this.items.get(key);
    if (!item || item.url === url) return;
    item.url = url;
    this.remember(item);
  }

  progress(key: string, sent: number): void {
    const item = this.items.get(key);
    if (!item || (item.state !== 'uploading' && item.state !== 'paused')) return;
    if (sent > item.sent) item.tries = 0;
    this.sentTo(item, sent);
    this.touch(false);
  }

  done(key: string, assetId: string | null, result: Result | null): void {
    const item = this.items.get(key);
    if (!item) return;
    this.succeed(item, assetId, result ?? 'created');
    this.pump();
  }

  failed(key: string, failure: Failure): void {
    const item = this.items.get(key);
    if (!item || item.state === 'done') return;
    item.engaged = false;
    if (failure.kind === 'refused') {
      this.fail(item, failure.message);
      this.outside.store.remove([key]).catch(() => {});
      this.pump();
      return;
    }
    item.tries++;
    if (item.tries >= mostTries) {
      this.fail(item, `${failure.message} Tried ${item.tries} times.`);
      this.remember(item);
      this.pump();
      return;
    }
    if (item.state === 'paused') return;
    this.enqueue(item, true);
    if (failure.kind === 'auth') this.hold.value = 'signed-out';
    else if (failure.kind === 'full') this.hold.value = 'full';
    else if (failure.kind === 'busy') this.holdFor(failure.after ?? 5);
    else this.holdUntilBack();
  }

  private succeed(item: Item, assetId: string | null, result: Result): void {
    this.sentTo(item, item.size);
    item.assetId = assetId;
    item.result = result;
    item.url = null;
    item.engaged = false;
    // The bytes are safe; a reference to the file would keep nothing but memory.
    item.file = null;
    this.set(item, 'done');
    if (result === 'created' || result === 'restored') {
      this.added++;
      this.outside.arrived();
    } else {
      this.already++;
    }
    this.remember(item);
  }

  private fail(item: Item, message: string): void {
    item.error = message;
    this.sentTo(item, 0);
    this.set(item, 'failed');
    this.dirty.delete(item.key);
  }

  // ---- holding and going on

  private holdUntilBack(): void {
    if (this.hold.value !== 'none') return;
    this.hold.value = 'offline';
    this.outside.serverBack().then(() => {
      if (this.hold.value === 'offline') this.release();
    });
  }

  private holdFor(seconds: number): void {
    if (this.hold.value !== 'none') return;
    this.hold.value = 'busy';
    setTimeout(() => {
      if (this.hold.value === 'busy') this.release();
    }, Math.min(seconds, 300) * 1000);
  }

  release(): void {
    const was = this.hold.value;
    this.hold.value = 'none';
    if (was === 'paused') {
      for (const item of this.items.values()) if (item.state === 'paused') this.resume(item.key);
    }
    this.touch(true);
    this.pump();
  }

  /** The person has signed in again. */
  signedIn(): void {
    if (this.hold.value === 'signed-out') this.release();
  }

  pauseAll(): void {
    this.hold.value = 'paused';
    for (const item of this.items.values()) if (item.state === 'uploading') this.pause(item.key);
    this.touch(true);
  }

  pause(key: string): void {
    const item = this.items.get(key);
    if (item?.state !== 'uploading' && item?.state !== 'waiting') return;
    if (item.engaged) this.engine?.pause(key);
    this.set(item, 'paused');
    this.touch(true);
    this.pump();
  }

  resume(key: string): void {
    const item = this.items.get(key);
    if (item?.state !== 'paused') return;
    if (item.engaged) {
      this.set(item, 'uploading');
      this.engine?.resume(key);
    } else {
      this.enqueue(item, true);
      this.pump();
    }
    this.touch(true);
  }

  cancel(key: string): void {
    const item = this.items.get(key);
    if (!item) return;
    this.withdraw(item);
    this.touch(true);
    this.pump();
  }

  private withdraw(item: Item): void {
    if (item.engaged) this.engine?.cancel(item.key);
    else if (item.url && item.state !== 'done') this.outside.forget(item.url).catch(() => {});
    this.drop(item);
  }

  retry(key: string): void {
    const item = this.items.get(key);
    if (item?.state !== 'failed' || !item.file) return;
    item.tries = 0;
    this.enqueue(item, true);
    this.touch(true);
    this.pump();
  }

  /** Leaves the list; finished files stay remembered, so that they are skipped if they come again. */
  private drop(item: Item): void {
    this.items.delete(item.key);
    this.counts[item.state]--;
    this.bytes -= item.size;
    this.sentBytes -= item.sent;
    if (item.state === 'done') {
      this.finished.set(item.key, recordOf(item));
      return;
    }
    this.dirty.delete(item.key);
    this.outside.store.remove([item.key]).catch(() => {});
  }

  /** Takes everything in these states off the list. */
  clear(...states: ItemState[]): void {
    // All before the next begins, or each would take the place of the one before only to be cancelled as well.
    for (const item of [...this.items.values()]) {
      if (states.includes(item.state)) this.withdraw(item);
    }
    if (this.items.size === 0) this.added = this.already = 0;
    this.touch(true);
    this.pump();
  }

  retryFailed(): void {
    for (const item of [...this.items.values()]) this.retry(item.key);
  }

  // ---- remembering, telling

  private remember(item: Item): void {
    this.dirty.set(item.key, item);
    this.flushTimer ??= setTimeout(() => {
      this.flushTimer = null;
      void this.flush();
    }, flushDelay);
  }

  async flush(): Promise<void> {
    const records = [...this.dirty.values()].map(recordOf);
    this.dirty.clear();
    // Without storage (private windows) everything works but the memory.
    if (records.length) await this.outside.store.put(records).catch(() => {});
  }

  /** What files do comes a hundred times a second, eyes need ten; what a person does is shown at once. */
  private touch(now: boolean): void {
    if (now) {
      if (this.soon) return;
      this.soon = true;
      queueMicrotask(() => {
        this.soon = false;
        this.version.value++;
      });
      return;
    }
    this.bump ??= setTimeout(() => {
      this.bump = null;
      this.version.value++;
    }, 120);
  }
}

function newItem(key: string, file: File, path: string, now: number): Item {
  return {
    key, path, name: file.name, size: file.size, mtime: file.lastModified, file,
    state: 'missing', sent: 0, url: null, assetId: null, result: null, error: null, tries: 0, engaged: false, addedAt: now,
  };
}

function itemFrom(r: Remembered): Item {
  return {
    key: r.key, path: r.path, name: r.path.split('/').pop() ?? r.path, size: r.size, mtime: r.mtime, file: null,
    state: 'missing', sent: 0, url: r.url, assetId: r.assetId, result: null, error: null, tries: 0, engaged: false,
    addedAt: r.addedAt,
  };
}

function recordOf(item: Item): Remembered {
  return {
    key: item.key, path: item.path, size: item.size, mtime: item.mtime, url: item.url,
    done: item.state === 'done', assetId: item.assetId, addedAt: item.addedAt,
  };
}

/** Files that systems leave in folders and nobody calls photographs. */
export const isClutter = (name: string): boolean => name.startsWith('.') || /^(thumbs\.db|desktop\.ini|icon\r)$/i.test(name);
