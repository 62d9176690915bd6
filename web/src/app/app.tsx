// SPDX-License-Identifier: Apache-2.0
//
// The page as a whole, by phase of the session.

import { effect } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { Announcer } from '../ui/announce.tsx';
import { ConfirmDialog, ShortcutsDialog, shortcutsShown } from '../ui/dialog.tsx';
import { actByKey } from '../library/library.ts';
import { selected, selecting } from '../library/selection.ts';
import { Icon, Mark } from '../ui/icons.tsx';
import { Toasts, undoLast } from '../ui/toast.tsx';
import { DropZone } from '../upload/dropzone.tsx';
import { UploadPanel } from '../upload/panel.tsx';
import { pickFiles } from '../upload/pick.ts';
import { ViewerFrame } from '../viewer/frame.tsx';
import { Admin } from './admin.tsx';
import { away } from './connection.ts';
import { SetUp, SignIn, SignInAgain } from './enter.tsx';
import { Header, searchField, Tabs, UploadMenu } from './header.tsx';
import { route } from './router.ts';
import { phase } from './session.ts';
import { Library } from './views.tsx';

const titles = { photos: 'albumen', favorites: 'Favourites · albumen', trash: 'Trash · albumen', search: 'albumen', cache: 'Cache · albumen' };
effect(() => {
  const { view, query } = route.value;
  document.title = view === 'search' ? `${query} · albumen` : titles[view];
});

function Banner() {
  if (!away.value) return null;
  return (
    <div class="banner" role="status">
      <Icon name="alert" size={18} />
      <span>The server does not answer. This page tries again by itself.</span>
    </div>
  );
}

function useKeys(): void {
  useLayoutEffect(() => {
    const onKey = (e: KeyboardEvent): void => {
      if (e.defaultPrevented || (e.target as Element).closest?.('input, textarea, dialog')) return;
      if ((e.ctrlKey || e.metaKey) && e.key === 'z') {
        if (undoLast()) e.preventDefault();
        return;
      }
      if (e.ctrlKey || e.metaKey || e.altKey || route.peek().photo) return;
      if (e.key === '/') {
        e.preventDefault();
        searchField.current?.focus();
        searchField.current?.select();
      } else if (e.key === '?') {
        shortcutsShown.value = true;
      } else if (e.key === 'u') {
        pickFiles();
      } else if (selecting.peek() && actByKey(e.key, [...selected.peek()])) {
        // The focus may be on a button of the bar: the keys of the selection hold there as well.
        e.preventDefault();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

function Inside() {
  useKeys();
  return (
    <div class="page">
      <Header />
      <Banner />
      <main>
        {route.value.view === 'cache' ? <Admin /> : <Library />}
      </main>
      <Tabs class="bottom-tabs">
        <UploadMenu tab />
      </Tabs>
      <UploadPanel />
      <DropZone />
      <ViewerFrame />
      {phase.value === 'expired' && <SignInAgain />}
    </div>
  );
}

export function App() {
  return (
    <>
      {phase.value === 'starting' && (
        <main class="starting" aria-busy="true">
          <Banner />
          <Mark size={64} />
          <h1 class="unseen">albumen</h1>
        </main>
      )}
      {phase.value === 'setup' && <SetUp />}
      {phase.value === 'login' && <SignIn />}
      {(phase.value === 'in' || phase.value === 'expired') && <Inside />}
      <Toasts />
      <ConfirmDialog />
      <ShortcutsDialog />
      <Announcer />
    </>
  );
}
