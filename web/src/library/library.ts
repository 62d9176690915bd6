// SPDX-License-Identifier: Apache-2.0
//
// The sources behind the views, and everything a person can do to photos. A change is shown at once and taken back with
// a message if the server refuses it; sources that are not on show are marked and brought up to date when they are.

import { computed, effect, signal, untracked } from '@preact/signals';
import * as api from '../api/calls.ts';
import { ApiError } from '../api/http.ts';
import type { Statistics } from '../api/types.ts';
import { returns } from '../app/connection.ts';
import { phase } from '../app/session.ts';
import { route, type View } from '../app/router.ts';
import { announce } from '../ui/announce.tsx';
import { confirm } from '../ui/dialog.tsx';
import { plural } from '../ui/format.ts';
import { dismissActions, toast } from '../ui/toast.tsx';
import { download as startDownload } from './download.ts';
import { parseQuery } from './query.ts';
import { SearchSource } from './search-source.ts';
import { clear, forget } from './selection.ts';
import { TimelineSource, type Source } from './source.ts';

const sources = new Map<string, Source>();
const old = new Set<Source>();
/** Searches kept for the way back; the oldest goes first. */
const keptSearches = 5;

const nameOf = (view: View, query: string): string => (view === 'search' ? `search ${query}` : view);

function make(view: View, query: string): Source {
  switch (view) {
    case 'photos':
      return new TimelineSource({ isTrashed: false });
    case 'favorites':
      return new TimelineSource({ isTrashed: false, isFavorite: true });
    case 'trash':
      return new TimelineSource({ isTrashed: true });
    case 'search':
      return new SearchSource(parseQuery(query));
    case 'cache':
      throw new Error('no photos are shown there');
  }
}

export function sourceFor(view: View, query: string): Source {
  const name = nameOf(view, query);
  let source = sources.get(name);
  if (!source) {
    source = make(view, query);
    sources.set(name, source);
    old.add(source);
    const searches = [...sources.keys()].filter((n) => n.startsWith('search '));
    if (searches.length > keptSearches) {
      old.delete(sources.get(searches[0]!)!);
      sources.delete(searches[0]!);
    }
  }
  return source;
}

/** Behind a page that shows no photos stands the timeline: it is what one comes back to. */
export const current = computed(() => sourceFor(route.value.view === 'cache' ? 'photos' : route.value.view, route.value.query));
export const statistics = signal<Statistics | null>(null);

/** Loads what is shown if it was never loaded or has grown old. */
effect(() => {
  const source = current.value;
  if (phase.value === 'in' && old.has(source)) untracked(() => bringUpToDate(source));
});
effect(() => {
  if (returns.value > 0 && phase.peek() === 'in') untracked(reload);
});
// What was selected in one view must not be deleted from another.
effect(() => {
  void current.value;
  clear();
});

function bringUpToDate(source: Source): void {
  old.delete(source);
  source.refresh().catch((err: unknown) => {
    old.add(source);
    if (err instanceof ApiError && (err.unreachable || err.status === 401)) return;
    toast(`The photos could not be listed. ${reasonOf(err)}`, { kind: 'error' });
  });
}

/** Something changed on the server: what is shown is brought up to date, the rest when it is shown. */
export function reload(): void {
  for (const source of sources.values()) old.add(source);
  bringUpToDate(current.peek());
  loadStatistics();
}

export function loadStatistics(): void {
  api.getStatistics().then(
    (s) => (statistics.value = s),
    () => {},
  );
}

const reasonOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));

/** Shows the change, asks the server, takes it back by loading again if it refused. */
async function attempt(what: string, show: () => void, ask: () => Promise<unknown>): Promise<boolean> {
  show();
  try {
    await ask();
    return true;
  } catch (err) {
    toast(`${what} ${reasonOf(err)}`, { kind: 'error' });
    reload();
    return false;
  } finally {
    const shown = current.peek();
    for (const source of sources.values()) if (source !== shown) old.add(source);
  }
}

/** Presses in quick succession reach the server in their order. */
let lastFavorite: Promise<unknown> = Promise.resolve();

export async function favorite(ids: readonly string[], value: boolean): Promise<void> {
  const set = new Set(ids);
  const shown = current.peek();
  const leaves = route.peek().view === 'favorites' && !value;
  const done = await attempt(
    'Not changed.',
    () => {
      for (const source of sources.values()) source.setFavorite(set, value);
      if (leaves) removeFrom(shown, set);
    },
    () => {
      const turn = lastFavorite.then(() => api.setFavorite(ids, value));
      lastFavorite = turn.catch(() => {});
      return turn;
    },
  );
  if (!done) return;
  announce(value ? `${plural(ids.length, 'photo')} added to favourites` : `${plural(ids.length, 'photo')} removed from favourites`);
  if (leaves) {
    toast(`${plural(ids.length, 'photo')} removed from favourites`, {
      action: { label: 'Undo', run: () => void favorite(ids, true).then(reload) },
    });
  }
}

/** True if every one of them was known to the source, and so is off the list. */
function removeFrom(source: Source, ids: ReadonlySet<string>): boolean {
  const removed = source.remove(ids);
  forget(ids);
  return removed === ids.size;
}

/** Takes them off the list that is shown, asks the server, and lists again if some lay in months that are not loaded. */
async function takeAway(what: string, ids: readonly string[], ask: () => Promise<unknown>): Promise<boolean> {
  const shown = current.peek();
  let all = true;
  const done = await attempt(what, () => (all = removeFrom(shown, new Set(ids))), ask);
  if (done && !all) bringUpToDate(shown);
  return done;
}

export async function trash(ids: readonly string[]): Promise<void> {
  if (!(await takeAway('Nothing was moved to the trash.', ids, () => api.trash(ids)))) return;
  loadStatistics();
  toast(`${plural(ids.length, 'photo')} moved to the trash`, { action: { label: 'Undo', run: () => void untrash(ids) } });
}

async function untrash(ids: readonly string[]): Promise<void> {
  if (await attempt('Not restored.', () => {}, () => api.restore(ids))) {
    announce(`${plural(ids.length, 'photo')} restored`);
    reload();
  }
}

export async function restore(ids: readonly string[]): Promise<void> {
  if (!(await takeAway('Not restored.', ids, () => api.restore(ids)))) return;
  loadStatistics();
  toast(`${plural(ids.length, 'photo')} restored`, {
    action: { label: 'Undo', run: () => void attempt('Not changed.', () => {}, () => api.trash(ids)).then(reload) },
  });
}

export async function deleteForGood(ids: readonly string[]): Promise<void> {
  const yes = await confirm({
    title: ids.length === 1 ? 'Delete this photo for good?' : `Delete ${plural(ids.length, 'photo')} for good?`,
    text: 'The originals are removed from the server. This cannot be undone.',
    yes: 'Delete',
    danger: true,
  });
  if (!yes) return;
  if (await takeAway('Not deleted.', ids, () => api.deleteForGood(ids))) {
    dismissActions();
    toast(`${plural(ids.length, 'photo')} deleted`);
  }
}

export async function emptyTrash(): Promise<void> {
  const n = sourceFor('trash', '').total;
  const yes = await confirm({
    title: 'Empty the trash?',
    text: `${plural(n, 'photo')} will be removed from the server for good. This cannot be undone.`,
    yes: 'Empty trash',
    danger: true,
  });
  if (!yes) return;
  if (await attempt('The trash was not emptied.', () => {}, api.emptyTrash)) {
    dismissActions();
    toast('The trash is empty');
    reload();
  }
}

export async function restoreAll(): Promise<void> {
  const n = sourceFor('trash', '').total;
  if (await attempt('Not restored.', () => {}, api.restoreAll)) {
    dismissActions();
    toast(`${plural(n, 'photo')} restored`);
    reload();
  }
}

export async function download(ids: readonly string[]): Promise<void> {
  if (ids.length > 40) {
    const yes = await confirm({
      title: `Download ${plural(ids.length, 'photo')}?`,
      text: 'Each photo arrives as a file of its own. Your browser may ask whether it may save several files.',
      yes: 'Download',
      danger: false,
    });
    if (!yes) return;
  }
  try {
    await startDownload(ids);
  } catch (err) {
    toast(`The download did not start. ${reasonOf(err)}`, { kind: 'error' });
  }
}

/** What a key does to these photos, in the view that is shown; null if nothing. */
export function actByKey(key: string, ids: readonly string[]): Promise<void> | null {
  const trashed = route.peek().view === 'trash';
  if (key === 'Escape') {
    clear();
    return Promise.resolve();
  }
  if (ids.length === 0) return null;
  if (key === 'd') return download(ids);
  if (key === 'Delete') return trashed ? deleteForGood(ids) : trash(ids);
  if (key === 'f' && !trashed) return favorite(ids, !current.peek().areFavorite(new Set(ids)));
  if (key === 'r' && trashed) return restore(ids);
  return null;
}
