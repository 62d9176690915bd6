// SPDX-License-Identifier: Apache-2.0
//
// The address: `#/favorites/photo/<id>`. It lives in the fragment, so that the server needs no rule for it and a reload
// or a bookmark comes back to the same place. Opening a photo adds to the history, so that Back (and a phone's gesture)
// closes it; going from photo to photo does not.

import { signal } from '@preact/signals';

export type View = 'photos' | 'favorites' | 'trash' | 'search' | 'cache';

export interface Route {
  view: View;
  query: string;
  photo: string | null;
}

const uuid = '[0-9a-fA-F-]{36}';

export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, '');
  const photo = new RegExp(`(?:^|/)photo/(${uuid})$`).exec(path);
  const rest = photo ? path.slice(0, photo.index) : path;
  const search = /^search\/(.*)$/.exec(rest);
  if (search) return { view: 'search', query: decode(search[1]!), photo: photo?.[1] ?? null };
  // No photo opens over a page of numbers.
  if (rest === 'cache') return { view: 'cache', query: '', photo: null };
  const view = rest === 'favorites' || rest === 'trash' ? rest : 'photos';
  return { view, query: '', photo: photo?.[1] ?? null };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function hashOf(route: Route): string {
  const base = route.view === 'photos' ? '' : route.view === 'search' ? `search/${encodeURIComponent(route.query)}` : route.view;
  const parts = [base, route.photo && `photo/${route.photo}`].filter(Boolean);
  return `#/${parts.join('/')}`;
}

/** A set-up link carries its token in the fragment (`/#setup=TOKEN`), where no log ever sees it. Taken once, then wiped. */
function takeSetupToken(): string | undefined {
  const m = /^#setup=([\w.~-]+)$/.exec(location.hash);
  if (!m) return undefined;
  history.replaceState(null, '', '#/');
  return m[1];
}

export const setupToken = takeSetupToken();
export const route = signal<Route>(parseRoute(location.hash));
/** True while the history entry before this one is the list that the photo was opened from. */
let openedHere = false;

addEventListener('hashchange', () => {
  route.value = parseRoute(location.hash);
  if (!route.value.photo) openedHere = false;
});
addEventListener('popstate', () => {
  route.value = parseRoute(location.hash);
});

function set(next: Route, how: 'push' | 'replace'): void {
  if (how === 'push') history.pushState(null, '', hashOf(next));
  else history.replaceState(null, '', hashOf(next));
  route.value = next;
}

export function go(view: View, query = ''): void {
  const same = route.value.view === view && route.value.query === query && !route.value.photo;
  set({ view, query, photo: null }, same ? 'replace' : 'push');
}

export function openPhoto(id: string): void {
  openedHere = true;
  set({ ...route.value, photo: id }, 'push');
}

export function showPhoto(id: string): void {
  if (route.value.photo && route.value.photo !== id) set({ ...route.value, photo: id }, 'replace');
}

export function closePhoto(): void {
  if (!route.value.photo) return;
  if (openedHere) {
    openedHere = false;
    history.back();
  } else {
    set({ ...route.value, photo: null }, 'replace');
  }
}
