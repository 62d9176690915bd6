// SPDX-License-Identifier: Apache-2.0
//
// Originals leave as files, by the browser's own download: it shows progress, goes on after a break, and nothing is held in
// the memory of this page.

import { originalUrl } from '../api/calls.ts';

/** Browsers drop downloads that are started in the same breath. */
const pause = 350;

function click(href: string): void {
  const link = document.createElement('a');
  link.href = href;
  link.download = '';
  link.rel = 'noopener';
  document.body.append(link);
  link.click();
  link.remove();
}

export async function download(ids: readonly string[]): Promise<void> {
  for (let i = 0; i < ids.length; i++) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    click(originalUrl(ids[i]!));
  }
}
