// SPDX-License-Identifier: Apache-2.0
//
// Asks again and again while somebody can see the answer.
//
//   asking --answered--> resting --pause--> asking           a failed question rests longer
//      hidden, or paused by the person: no question; visible again: one at once
//
// One question at a time; stop() takes back the one that is on its way.

export interface Stage {
  hidden(): boolean;
  /** Calls when it is hidden or shown; gives what ends that. */
  watch(run: () => void): () => void;
  /** Calls once after so many milliseconds; gives what takes it back. */
  after(ms: number, run: () => void): () => void;
}

export const page: Stage = {
  hidden: () => document.hidden,
  watch: (run) => {
    document.addEventListener('visibilitychange', run);
    return () => document.removeEventListener('visibilitychange', run);
  },
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

export interface Live {
  /** Asks at once, also while it is paused. */
  now(): void;
  pause(on: boolean): void;
  stop(): void;
}

const failedPauses = 4;

export function live(ask: (signal: AbortSignal) => Promise<void>, pause: number, stage: Stage = page): Live {
  const abort = new AbortController();
  let asking = false;
  let again = false;
  let paused = false;
  let forget = (): void => {};

  const rest = (ms: number): void => {
    forget();
    forget = stage.after(ms, () => void run());
  };
  const run = async (asked = false): Promise<void> => {
    forget();
    if (abort.signal.aborted || (!asked && (paused || stage.hidden()))) return;
    if (asking) {
      again ||= asked;
      return;
    }
    asking = true;
    const ok = await ask(abort.signal).then(
      () => true,
      () => false,
    );
    asking = false;
    if (abort.signal.aborted) return;
    if (again) {
      again = false;
      void run(true);
    } else rest(ok ? pause : pause * failedPauses);
  };
  const unwatch = stage.watch(() => {
    if (stage.hidden()) forget();
    else void run();
  });
  void run();
  return {
    now: () => void run(true),
    pause: (on) => {
      paused = on;
      if (on) forget();
      else void run();
    },
    stop: () => {
      abort.abort();
      forget();
      unwatch();
    },
  };
}
