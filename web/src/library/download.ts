// SPDX-License-Identifier: Apache-2.0
//
// Originals leave as files. One: the browser's own download. Several: one zip if the server packs archives, else one after
// the other. Whether it does is asked once, when it matters first.

import { apiUrl } from '../api/http.ts';
import { originalUrl } from '../api/calls.ts';

/** Browsers drop downloads that are started in the same breath. */
const pause = 350;

let archives: Promise<boolean> | null = null;

/** A server without archives answers that it knows no such route; one with archives finds an empty list wrong or right. */
function hasArchives(): Promise<boolean> {
  archives ??= fetch(apiUrl('/download/archive'), {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ assetIds: [] }),
  }).then((r) => ![401, 403, 404, 405, 501].includes(r.status));
  return archives;
}

function click(href: string, name = ''): void {
  const link = document.createElement('a');
  link.href = href;
  link.download = name;
  link.rel = 'noopener';
  document.body.append(link);
  link.click();
  link.remove();
}

export async function download(ids: readonly string[]): Promise<void> {
  if (ids.length > 1 && (await hasArchives().catch(() => false))) {
    await downloadArchive(ids);
    return;
  }
  for (let i = 0; i < ids.length; i++) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    click(originalUrl(ids[i]!));
  }
}

async function downloadArchive(ids: readonly string[]): Promise<void> {
  const response = await fetch(apiUrl('/download/archive'), {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ assetIds: ids }),
  });
  if (!response.ok) throw new Error(`The server refused (${response.status}).`);
  const url = URL.createObjectURL(await response.blob());
  click(url, `albumen-${new Date().toISOString().slice(0, 10)}.zip`);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
