// SPDX-License-Identifier: Apache-2.0
//
// Is the server there? The first unanswered request starts a watch that asks with growing pauses until it is. Whoever
// waits for the server waits here, so that a restart is followed by one question every few seconds, not by a storm.

import { effect, signal } from '@preact/signals';
import { getConfig } from '../api/calls.ts';
import { reachable } from '../api/http.ts';

const pauses = [1, 2, 3, 5, 8, 10];

/** For the banner: away for longer than a hiccup. */
export const away = signal(false);

let watching: Promise<void> | null = null;

async function watch(): Promise<void> {
  for (let i = 0; ; i++) {
    const seconds = pauses[Math.min(i, pauses.length - 1)]!;
    await pause(seconds * 1000);
    try {
      await getConfig(AbortSignal.timeout(5000));
      return;
    } catch {
      if (i >= 1 || seconds >= 2) away.value = true;
    }
  }
}

/** Ends early when the device says that the network is back. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      removeEventListener('online', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    addEventListener('online', end);
  });
}

/** Resolves when the server has answered a question asked from now on. Never rejects. */
export function serverBack(): Promise<void> {
  watching ??= watch().finally(() => {
    watching = null;
    away.value = false;
    reachable.value = true;
  });
  return watching;
}

/** Counts how often the server came back; views that failed load again when it changes. */
export const returns = signal(0);

effect(() => {
  if (reachable.value) return;
  void serverBack().then(() => returns.value++);
});

addEventListener('offline', () => (reachable.value = false));
