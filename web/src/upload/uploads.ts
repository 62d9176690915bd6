// SPDX-License-Identifier: Apache-2.0
//
// The one queue of this page, joined to the server, the storage and the rest of the page.

import { effect, signal, untracked } from '@preact/signals';
import { getAsset } from '../api/calls.ts';
import { ApiError, base, hooks } from '../api/http.ts';
import { serverBack } from '../app/connection.ts';
import { phase, user } from '../app/session.ts';
import { reload } from '../library/library.ts';
import { announce } from '../ui/announce.tsx';
import { plural } from '../ui/format.ts';
import { toast } from '../ui/toast.tsx';
import { UploadQueue } from './queue.ts';
import { Siblings } from './siblings.ts';
import { IndexedStore } from './store.ts';
import type { Given } from './types.ts';

const endpoint = new URL('files/', base).href;
/** The first photos are shown soon; in a long upload the timeline is brought up to date less often. */
const refreshFirst = 2000;
const refreshLater = 12_000;

export const uploads = signal<UploadQueue | null>(null);
/** The panel is open wide enough to show the list. */
export const panelOpen = signal(false);

async function stillThere(id: string): Promise<boolean> {
  try {
    return !(await getAsset(id)).isTrashed;
  } catch (err) {
    if (err instanceof ApiError && (err.status === 404 || err.status === 400)) return false;
    throw err;
  }
}

async function forget(url: string): Promise<void> {
  await fetch(url, { method: 'DELETE', credentials: 'same-origin', headers: { 'Tus-Resumable': '1.0.0' } });
}

let refreshTimer: ReturnType<typeof setTimeout> | null = null;
let refreshes = 0;
function arrived(): void {
  refreshTimer ??= setTimeout(showArrived, refreshes < 3 ? refreshFirst : refreshLater);
}

function showArrived(): void {
  refreshTimer = null;
  refreshes++;
  reload();
}

/** The last file is through: nothing is waited for any more. */
function ended(): void {
  refreshes = 0;
  if (refreshTimer === null) return;
  clearTimeout(refreshTimer);
  showArrived();
}

effect(() => {
  const id = user.value?.id;
  if (!id || uploads.peek()) return;
  const siblings = new Siblings(id, () => queue.sending());
  const queue: UploadQueue = new UploadQueue({
    engine: async (events) => new (await import('./engine.ts')).UppyEngine(endpoint, events),
    store: new IndexedStore(id),
    serverBack,
    stillThere,
    elsewhere: () => siblings.busyKeys(),
    forget,
    arrived,
    now: Date.now,
  });
  uploads.value = queue;
  queue.recall().catch(() => {
    // No storage, no memory: uploads work all the same.
  });
  addEventListener('pagehide', () => void queue.flush());
  watchTheEnd(queue);
});

effect(() => {
  if (phase.value === 'in') untracked(() => uploads.peek()?.signedIn());
});
effect(() => {
  if (uploads.value?.hold.value === 'signed-out') untracked(hooks.unauthorised);
});

export function offer(given: Given[]): void {
  const queue = uploads.peek();
  if (!queue || given.length === 0) return;
  const { added, ignored } = queue.add(given);
  if (added > 0) {
    panelOpen.value = true;
    announce(`${plural(added, 'file')} added to the uploads`);
  } else if (ignored > 0) {
    toast('Nothing there to upload');
  }
}

/** Says once how it went when the last file is through, and keeps the screen of a phone awake until then. */
function watchTheEnd(queue: UploadQueue): void {
  let was = false;
  let lock: WakeLockSentinel | null = null;
  let counted = { added: 0, already: 0, failed: 0 };
  effect(() => {
    void queue.version.value;
    const t = queue.totals();
    if (queue.busy && !was) {
      counted = { added: t.added, already: t.already, failed: t.byState.failed };
      void navigator.wakeLock?.request('screen').then((l) => (lock = l), () => {});
    }
    if (!queue.busy && was && t.byState.paused === 0) {
      const added = t.added - counted.added;
      const already = t.already - counted.already;
      const failed = t.byState.failed - counted.failed;
      const parts = [
        added > 0 && `${plural(added, 'photo')} added`,
        already > 0 && `${plural(already, 'photo')} ${already === 1 ? 'was' : 'were'} here already`,
        failed > 0 && `${plural(failed, 'file')} failed`,
      ].filter(Boolean);
      if (parts.length) untracked(() => toast(`${parts.join(', ')}.`, failed > 0 ? { kind: 'error' } : {}));
      void lock?.release();
      lock = null;
      untracked(ended);
    }
    was = queue.busy;
  });
}
