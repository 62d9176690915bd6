// SPDX-License-Identifier: Apache-2.0
//
// What stands around the photo: buttons, arrows, details.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { route } from '../app/router.ts';
import { deleteForGood, download, favorite, restore, trash } from '../library/library.ts';
import { announce } from '../ui/announce.tsx';
import { shortcutsShown } from '../ui/dialog.tsx';
import { formatClock, formatCount, formatFullDay, formatSpoken } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/icons.tsx';
import { undoLast } from '../ui/toast.tsx';
import { Info } from './info.tsx';
import type { Viewer } from './viewer.ts';

export function Chrome({ viewer }: { viewer: Viewer }) {
  const { source } = viewer;
  void source.version.value;
  const index = viewer.index.value;
  const id = viewer.id.value;
  const place = source.placeOf(index);
  const columns = place ? source.months[place.month]!.columns : null;
  const time = place && columns ? columns.times[place.offset]! : null;
  const liked = place && columns ? columns.favorites[place.offset] === 1 : false;
  const damaged = place && columns ? columns.damaged[place.offset] === 1 : false;
  const trashed = route.value.view === 'trash';
  const busy = useSignal(false);

  const act = (run: (ids: string[]) => Promise<void>) => () => {
    if (!id || busy.value) return;
    busy.value = true;
    void run([id]).finally(() => (busy.value = false));
  };
  // Not held up by what is under way: a second press is meant.
  const like = (): void => {
    if (id) void favorite([id], !source.areFavorite(new Set([id])));
  };
  const save = act(download);
  const remove = act(trashed ? deleteForGood : trash);
  const info = (): void => {
    viewer.panel.value = !viewer.panel.value;
  };

  useEffect(() => {
    if (time !== null) announce(`Photo ${index + 1} of ${source.total}, ${formatSpoken(time)}${damaged ? ', damaged' : ''}`);
  }, [id]);

  useEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if ((e.target as Element).closest('input, textarea, dialog')) return;
      if ((e.ctrlKey || e.metaKey) && e.key === 'z') {
        if (undoLast()) e.preventDefault();
        return;
      }
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      const keys: Record<string, () => void> = {
        i: info,
        f: () => !trashed && like(),
        d: save,
        Delete: remove,
        r: () => trashed && act(restore)(),
        Escape: viewer.close,
        '?': () => (shortcutsShown.value = true),
        Home: () => viewer.go(-index),
        End: () => viewer.go(source.total - 1 - index),
      };
      const run = keys[e.key];
      if (!run) return;
      e.preventDefault();
      e.stopPropagation();
      run();
    };
    // Before PhotoSwipe and before the timeline behind.
    addEventListener('keydown', onKey, true);
    return () => removeEventListener('keydown', onKey, true);
  });

  const button = (icon: IconName, label: string, run: () => void, more: { fill?: boolean; pressed?: boolean; class?: string } = {}) => (
    <button class={`viewer-button ${more.class ?? ''}`} aria-label={label} title={label} aria-pressed={more.pressed} onClick={run}>
      <Icon name={icon} fill={more.fill ?? false} />
    </button>
  );

  return (
    <>
      <div class="viewer-bar">
        {button('left', 'Back (Esc)', viewer.close)}
        <div class="viewer-when">
          {time !== null && (
            <>
              <strong>{formatFullDay(time)}</strong>
              <span>{formatClock(time)}</span>
            </>
          )}
        </div>
        {damaged && (
          <button class="viewer-damaged" title="This photo is damaged: what that means" aria-label="Damaged: what that means" aria-expanded={viewer.panel.value} onClick={info}>
            <Icon name="alert" size={17} />
            <span>Damaged</span>
          </button>
        )}
        <span class="viewer-count">
          {formatCount(index + 1)} / {formatCount(source.total)}
        </span>
        {!trashed && button('heart', liked ? 'Remove from favourites (f)' : 'Favourite (f)', like, { fill: liked, pressed: liked, class: liked ? 'on' : '' })}
        {button('info', 'Details (i)', info, { pressed: viewer.panel.value })}
        {button('download', 'Download original (d)', save)}
        {trashed && button('restore', 'Restore (r)', act(restore))}
        {button('trash', trashed ? 'Delete for good (Delete)' : 'Move to trash (Delete)', remove)}
      </div>
      {index > 0 && button('left', 'Previous photo (←)', () => viewer.go(-1), { class: 'viewer-arrow previous' })}
      {index < source.total - 1 && button('right', 'Next photo (→)', () => viewer.go(1), { class: 'viewer-arrow next' })}
      {viewer.panel.value && id && <Info key={id} id={id} onClose={info} />}
    </>
  );
}
