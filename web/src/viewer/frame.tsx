// SPDX-License-Identifier: Apache-2.0
//
// Joins the address and the lightbox: a photo in the address opens it, none closes it.

import { signal } from '@preact/signals';
import { render } from 'preact';
import { useEffect, useReducer, useRef } from 'preact/hooks';
import { getAsset } from '../api/calls.ts';
import { ApiError } from '../api/http.ts';
import { closePhoto, route, showPhoto } from '../app/router.ts';
import { shownGrid } from '../library/grid.tsx';
import { current } from '../library/library.ts';
import type { Source } from '../library/source.ts';
import { toast } from '../ui/toast.tsx';
import { Chrome } from './chrome.tsx';
import type { Viewer } from './viewer.ts';

const infoKey = 'albumen.info';
const infoShown = signal(sessionStorage.getItem(infoKey) === '1');
infoShown.subscribe((on) => {
  if (on) sessionStorage.setItem(infoKey, '1');
  else sessionStorage.removeItem(infoKey);
});

/** The place of a photo that was named in the address: its month is found by asking when it was taken. */
async function locate(source: Source, id: string): Promise<number> {
  const known = source.indexOf(id);
  if (known >= 0) return known;
  const asset = await getAsset(id);
  const month = source.monthIndex(`${asset.localDateTime.slice(0, 7)}-01`);
  if (month < 0) return -1;
  await source.need(month);
  return source.indexOf(id);
}

export function ViewerFrame() {
  const viewer = useRef<Viewer | null>(null);
  const [closed, countClosed] = useReducer((n: number) => n + 1, 0);
  const source = current.value;
  const ready = source.state.value === 'ready';
  const photo = route.value.photo;

  useEffect(() => {
    if (!photo) {
      viewer.current?.close();
      return;
    }
    if (!ready || viewer.current) return;
    let cancelled = false;
    void (async () => {
      try {
        const [{ openViewer }, index] = await Promise.all([import('./viewer.ts'), locate(source, photo)]);
        if (cancelled || viewer.current) return;
        if (index < 0) throw new ApiError('It is not in this view.', 404);
        viewer.current = openViewer({
          source,
          index,
          panel: infoShown,
          thumbnail: (id) => shownGrid.current?.tile(id) ?? null,
          onShow: (id, at) => {
            showPhoto(id);
            shownGrid.current?.reveal(at);
          },
          onClose: closePhoto,
          onClosed: () => {
            const last = viewer.current;
            viewer.current = null;
            // Another photo may have been opened while this one was closing.
            countClosed(0);
            if (!last) return;
            render(null, last.chrome);
            const tile = last.id.value && shownGrid.current?.tile(last.id.value);
            if (tile) tile.querySelector<HTMLElement>('.tile-open')?.focus({ preventScroll: true });
            else shownGrid.current?.focus();
          },
        });
        render(<Chrome viewer={viewer.current} />, viewer.current.chrome);
      } catch (err) {
        if (cancelled) return;
        closePhoto();
        toast(`The photo could not be opened. ${err instanceof Error ? err.message : ''}`, { kind: 'error' });
      }
    })();
    return () => {
      cancelled = true;
    };
  }, [photo, ready, source, closed]);

  // The photo that is shown may have been thrown away, or others may have come in before it.
  const version = source.version.value;
  useEffect(() => {
    if (viewer.current?.source === source) viewer.current.sync();
  }, [version, source]);
  return null;
}
