// SPDX-License-Identifier: Apache-2.0
//
// What changes without a movement of the focus is said here for people who listen instead of look.

import { signal } from '@preact/signals';

const said = signal('');
let odd = false;

export function announce(text: string): void {
  // The same words twice must differ, or they are spoken once.
  odd = !odd;
  said.value = odd ? text : `${text}\u00a0`;
}

export const Announcer = () => (
  <div class="unseen" aria-live="polite" role="status">
    {said.value}
  </div>
);
