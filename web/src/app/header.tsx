// SPDX-License-Identifier: Apache-2.0
//
// The bar above everything: where we are, search, upload, the account. While photos are selected it becomes the bar of
// what can be done to them.

import { useSignal, useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { deleteForGood, download, favorite, loadStatistics, restore, statistics, trash, current } from '../library/library.ts';
import { clear, selected, selecting } from '../library/selection.ts';
import { shortcutsShown } from '../ui/dialog.tsx';
import { formatCount, plural } from '../ui/format.ts';
import { Icon, Mark, type IconName } from '../ui/icons.tsx';
import { theme, type Theme } from '../ui/theme.ts';
import { pickFiles, pickFolder } from '../upload/pick.ts';
import { go, route, type View } from './router.ts';
import { signOut, user } from './session.ts';

export const searchField: { current: HTMLInputElement | null } = { current: null };

const views: { view: View; label: string; icon: IconName }[] = [
  { view: 'photos', label: 'Photos', icon: 'photos' },
  { view: 'favorites', label: 'Favourites', icon: 'heart' },
  { view: 'trash', label: 'Trash', icon: 'trash' },
];

const hrefOf = (view: View): string => (view === 'photos' ? '#/' : `#/${view}`);

export function Header() {
  return selecting.value ? <SelectionBar /> : <MainBar />;
}

function MainBar() {
  return (
    <header class="bar">
      <a class="brand" href="#/" aria-label="albumen, all photos">
        <Mark />
        <span class="wordmark">albumen</span>
      </a>
      <Tabs class="tabs" />
      <Search />
      <UploadMenu />
      <Account />
    </header>
  );
}

export function Tabs({ class: name, children }: { class: string; children?: ComponentChildren }) {
  return (
    <nav class={name} aria-label="Views">
      {views.map(({ view, label, icon }) => (
        <a
          key={view}
          href={hrefOf(view)}
          aria-current={route.value.view === view ? 'page' : undefined}
          onClick={(e) => {
            if (e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey) return;
            e.preventDefault();
            go(view);
          }}
        >
          <Icon name={icon} fill={route.value.view === view && icon === 'heart'} />
          <span>{label}</span>
        </a>
      ))}
      {children}
    </nav>
  );
}

function Search() {
  const input = useRef<HTMLInputElement>(null);
  const open = useSignal(false);
  useLayoutEffect(() => {
    searchField.current = input.current;
  }, []);
  useSignalEffect(() => {
    if (input.current && document.activeElement !== input.current) input.current.value = route.value.query;
  });
  const submit = (e: Event): void => {
    e.preventDefault();
    const text = input.current!.value.trim();
    if (text) go('search', text);
    else if (route.value.view === 'search') go('photos');
    input.current!.blur();
    open.value = false;
  };
  return (
    <form class={open.value ? 'search open' : 'search'} role="search" onSubmit={submit}>
      <button
        type="button"
        class="icon-button search-open"
        aria-label="Search"
        onClick={() => {
          open.value = true;
          input.current?.focus();
        }}
      >
        <Icon name="search" />
      </button>
      <div class="search-box">
        <Icon name="search" size={18} />
        <input
          ref={input}
          type="search"
          name="q"
          placeholder="Name or date"
          aria-label="Search by file name or date"
          autocomplete="off"
          spellcheck={false}
          enterkeyhint="search"
          onKeyDown={(e) => {
            if (e.key !== 'Escape') return;
            e.currentTarget.value = route.value.query;
            e.currentTarget.blur();
            open.value = false;
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </div>
      {open.value && (
        <button
          type="button"
          class="icon-button search-close"
          aria-label="Close the search"
          onClick={() => {
            open.value = false;
            if (input.current) input.current.value = route.value.query;
          }}
        >
          <Icon name="close" />
        </button>
      )}
    </form>
  );
}

/** A button with a panel under it. Escape, a click elsewhere and a choice close it. */
function Menu(props: { label: string; class: string; button: ComponentChildren; children: (close: () => void) => ComponentChildren; onOpen?: () => void }) {
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  const close = (): void => {
    open.value = false;
  };
  useLayoutEffect(() => {
    if (!open.value) return;
    const outside = (e: Event): void => {
      if (!root.current?.contains(e.target as Node)) close();
    };
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open.value]);
  return (
    <div
      class="menu"
      ref={root}
      onKeyDown={(e) => {
        if (e.key !== 'Escape' || !open.value) return;
        e.stopPropagation();
        close();
        root.current?.querySelector('button')?.focus();
      }}
      onFocusOut={(e) => {
        if (e.relatedTarget && !root.current?.contains(e.relatedTarget as Node)) close();
      }}
    >
      <button
        class={props.class}
        aria-label={props.label}
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value;
          if (open.value) props.onOpen?.();
        }}
      >
        {props.button}
      </button>
      {open.value && <div class="menu-panel">{props.children(close)}</div>}
    </div>
  );
}

export function UploadMenu({ tab = false }: { tab?: boolean }) {
  const button = (
    <>
      <Icon name="upload" size={tab ? 22 : 19} />
      <span>Upload</span>
    </>
  );
  return (
    <Menu label="Upload" class={tab ? 'tab-upload' : 'button primary upload-button'} button={button}>
      {(close) => (
        <>
          <button
            class="menu-item"
            onClick={() => {
              close();
              pickFiles();
            }}
          >
            <Icon name="file" size={19} /> Choose files…
          </button>
          <button
            class="menu-item"
            onClick={() => {
              close();
              pickFolder();
            }}
          >
            <Icon name="folder" size={19} /> Choose a folder…
          </button>
          <p class="menu-hint for-mouse">or drop files and folders anywhere on the page</p>
        </>
      )}
    </Menu>
  );
}

const themes: { value: Theme; label: string; icon: IconName }[] = [
  { value: 'auto', label: 'System', icon: 'auto' },
  { value: 'light', label: 'Light', icon: 'sun' },
  { value: 'dark', label: 'Dark', icon: 'moon' },
];

function Account() {
  const name = user.value?.name || user.value?.email || '';
  const s = statistics.value;
  return (
    <Menu label={`Account of ${name}`} class="avatar" button={name.charAt(0).toUpperCase()} onOpen={loadStatistics}>
      {(close) => (
        <>
          <div class="menu-person">
            <strong>{name}</strong>
            {user.value?.email && user.value.email !== name && <span>{user.value.email}</span>}
          </div>
          {s && (
            <dl class="menu-numbers">
              <div>
                <dt>Photos</dt>
                <dd>{formatCount(s.images)}</dd>
              </div>
              <div>
                <dt>Videos</dt>
                <dd>{formatCount(s.videos)}</dd>
              </div>
              <div>
                <dt>In all</dt>
                <dd>{formatCount(s.total)}</dd>
              </div>
            </dl>
          )}
          <fieldset class="theme">
            <legend class="unseen">Theme</legend>
            {themes.map((t) => (
              <label key={t.value} class={theme.value === t.value ? 'on' : ''}>
                <input class="unseen" type="radio" name="theme" value={t.value} checked={theme.value === t.value} onChange={() => (theme.value = t.value)} />
                <Icon name={t.icon} size={18} />
                {t.label}
              </label>
            ))}
          </fieldset>
          {user.value?.isAdmin && (
            <a
              class="menu-item"
              href="#/cache"
              aria-current={route.value.view === 'cache' ? 'page' : undefined}
              onClick={close}
            >
              <Icon name="gauge" size={19} /> Cache
            </a>
          )}
          <button
            class="menu-item for-mouse"
            onClick={() => {
              close();
              shortcutsShown.value = true;
            }}
          >
            <Icon name="keyboard" size={19} /> Keyboard shortcuts
          </button>
          <button class="menu-item" onClick={() => void signOut()}>
            <Icon name="leave" size={19} /> Sign out
          </button>
          <p class="menu-hint">
            albumen is free software. <a href="licences.txt" target="_blank">What it is made of</a>
          </p>
        </>
      )}
    </Menu>
  );
}

function SelectionBar() {
  const ids = [...selected.value];
  const source = current.value;
  // Follows what other parts of the page change.
  void source.version.value;
  const trashed = route.value.view === 'trash';
  const allFavorite = source.areFavorite(selected.value);
  return (
    <header class="bar selection" aria-label="Selected photos">
      <button class="icon-button" aria-label="Clear selection" title="Clear selection (Esc)" onClick={clear}>
        <Icon name="close" />
      </button>
      <strong aria-live="polite">{plural(ids.length, 'selected', 'selected')}</strong>
      <span class="grow" />
      {!trashed && (
        <button class="text-button" title="Favourite (f)" onClick={() => void favorite(ids, !allFavorite)}>
          <Icon name="heart" fill={allFavorite} />
          <span>{allFavorite ? 'Not a favourite' : 'Favourite'}</span>
        </button>
      )}
      <button class="text-button" title="Download (d)" onClick={() => void download(ids)}>
        <Icon name="download" />
        <span>Download</span>
      </button>
      {trashed && (
        <button class="text-button" title="Restore (r)" onClick={() => void restore(ids)}>
          <Icon name="restore" />
          <span>Restore</span>
        </button>
      )}
      <button class="text-button" title="Delete" onClick={() => void (trashed ? deleteForGood(ids) : trash(ids))}>
        <Icon name="trash" />
        <span>{trashed ? 'Delete for good' : 'Trash'}</span>
      </button>
    </header>
  );
}
