// SPDX-License-Identifier: Apache-2.0
//
// While the timeline flies past, pictures would be asked for, decoded and thrown away. The gate is closed as long as it
// moves fast; tiles wait at it with their placeholder.

/** Pixels per millisecond above which nobody can see a picture. */
const fast = 5;
const calm = 110;

const waiting = new Set<() => void>();
let closed = false;
let timer: ReturnType<typeof setTimeout> | undefined;

export const gate = {
  get closed(): boolean {
    return closed;
  },
  /** Told of every scroll step. */
  moved(pixels: number, ms: number): void {
    if (Math.abs(pixels) / Math.max(ms, 8) < fast && !closed) return;
    closed = true;
    clearTimeout(timer);
    timer = setTimeout(gate.open, calm);
  },
  open(): void {
    clearTimeout(timer);
    closed = false;
    const now = [...waiting];
    waiting.clear();
    for (const run of now) run();
  },
  /** Runs at once or when the gate opens. Returns how to cancel. */
  pass(run: () => void): () => void {
    if (!closed) {
      run();
      return () => {};
    }
    waiting.add(run);
    return () => waiting.delete(run);
  },
};
