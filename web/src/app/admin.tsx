// SPDX-License-Identifier: Apache-2.0
//
// The pages for administrators. Their code is fetched when one of them opens it; everybody else is told whose page it is.
// This is a courtesy: the server decides, and gives its numbers to nobody else.

import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../ui/icons.tsx';
import { go } from './router.ts';
import { user } from './session.ts';

export function NotForYou() {
  return (
    <div class="empty">
      <h1>For administrators only</h1>
      <p>This page shows how the server is doing. Ask whoever looks after it.</p>
      <button class="button" onClick={() => go('photos')}>
        <Icon name="photos" size={18} /> To the photos
      </button>
    </div>
  );
}

export function Admin() {
  const admin = user.value?.isAdmin === true;
  const [page, setPage] = useState<{ Page: ComponentType } | 'failed' | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (!admin) return;
    let wanted = true;
    import('../cache/page.tsx').then(
      ({ CachePage }) => wanted && setPage({ Page: CachePage }),
      () => wanted && setPage('failed'),
    );
    return () => {
      wanted = false;
    };
  }, [admin, tries]);
  if (!admin) return <NotForYou />;
  if (page === 'failed') {
    return (
      <div class="empty">
        <h1>The page could not be loaded</h1>
        <button class="button" onClick={() => setTries(tries + 1)}>
          <Icon name="retry" size={18} /> Try again
        </button>
      </div>
    );
  }
  return page ? <page.Page /> : <div class="cache" aria-busy="true" />;
}
