// SPDX-License-Identifier: Apache-2.0
//
// What stands around the timeline in each view: its title, its own actions, and words for when there is nothing.

import type { ComponentChildren } from 'preact';
import { describeSpan, parseQuery } from '../library/query.ts';
import { current, emptyTrash, reload, restoreAll } from '../library/library.ts';
import { countOf, Grid } from '../library/grid.tsx';
import { formatCount, formatMonthYear, locale, plural } from '../ui/format.ts';
import { Icon, Mark } from '../ui/icons.tsx';
import { pickFiles, pickFolder } from '../upload/pick.ts';
import { route } from './router.ts';
import { config } from './session.ts';

function Empty({ title, children, mark = false }: { title: string; children: ComponentChildren; mark?: boolean }) {
  return (
    <div class="empty">
      {mark && <Mark size={72} />}
      <h2>{title}</h2>
      {children}
    </div>
  );
}

const emptyViews: Record<string, () => ComponentChildren> = {
  photos: () => (
    <Empty title="No photographs yet" mark>
      <p>Drop photos or whole folders anywhere on this page. They keep their dates, and nothing is ever changed in them.</p>
      <div class="empty-actions">
        <button class="button primary" onClick={pickFiles}>
          <Icon name="upload" size={19} /> Choose files
        </button>
        <button class="button" onClick={pickFolder}>
          <Icon name="folder" size={19} /> Choose a folder
        </button>
      </div>
    </Empty>
  ),
  favorites: () => (
    <Empty title="No favourites yet">
      <p>Press the heart on a photo you love, or the key f, and it will be here.</p>
    </Empty>
  ),
  trash: () => (
    <Empty title="The trash is empty">
      <p>Photos you throw away wait here before they are deleted for good.</p>
    </Empty>
  ),
  search: () => (
    <Empty title="Nothing found">
      <p>
        Try a part of a file name, or a date: <em>2019</em>, <em>july 2019</em>, <em>2019-07-14</em>, <em>2017..2019</em>.
      </p>
    </Empty>
  ),
};

function Title() {
  const { view, query } = route.value;
  const source = current.value;
  void source.version.value;
  const ready = source.state.value === 'ready';
  if (view === 'photos') return <h1 class="unseen">Photos</h1>;
  if (view === 'favorites') {
    return (
      <div class="title">
        <h1>Favourites</h1>
        {ready && source.total > 0 && <p>{plural(source.total, 'photo')}</p>}
      </div>
    );
  }
  if (view === 'trash') {
    const days = config.value?.trashDays;
    return (
      <div class="title">
        <h1>Trash</h1>
        <p>
          {ready && source.total > 0 && `${plural(source.total, 'photo')}. `}
          {days ? `Photos are deleted for good after ${plural(days, 'day')} in here.` : ''}
        </p>
        {source.total > 0 && (
          <div class="title-actions">
            <button class="button" onClick={() => void restoreAll()}>
              <Icon name="restore" size={18} /> Restore all
            </button>
            <button class="button danger-quiet" onClick={() => void emptyTrash()}>
              <Icon name="trash" size={18} /> Empty trash
            </button>
          </div>
        )}
      </div>
    );
  }
  const q = parseQuery(query);
  return (
    <div class="title">
      <h1>{ready ? `${countOf(source)} found` : 'Searching…'}</h1>
      <p class="chips">
        {q.name && (
          <span class="chip">
            <Icon name="file" size={16} /> name contains “{q.name}”
          </span>
        )}
        {q.span && (
          <span class="chip">
            <Icon name="calendar" size={16} /> {describeSpan(q.span, locale)}
          </span>
        )}
      </p>
    </div>
  );
}

function End() {
  const source = current.value;
  const oldest = source.months[source.months.length - 1];
  if (!oldest || route.value.view !== 'photos') return null;
  return (
    <p class="end">
      <Mark size={26} />
      <span>
        {formatCount(source.total)} {source.total === 1 ? 'photograph' : 'photographs'} since {formatMonthYear(oldest.start)}
      </span>
    </p>
  );
}

export function Library() {
  const source = current.value;
  const state = source.state.value;
  const { view } = route.value;
  if (state === 'failed') {
    return (
      <div class="grid">
        <Empty title="The photos could not be listed">
          <p>The server did not give the list.</p>
          <button class="button" onClick={reload}>
            <Icon name="retry" size={18} /> Try again
          </button>
        </Empty>
      </div>
    );
  }
  return <Grid key={`${view} ${route.value.query}`} source={source} leading={<Title />} trailing={<End />} empty={emptyViews[view]!()} />;
}
