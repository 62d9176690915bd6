// SPDX-License-Identifier: Apache-2.0
//
// What is selected, by id. The anchor is where a range with Shift begins.

import { computed, signal } from '@preact/signals';

const none: ReadonlySet<string> = new Set();

export const selected = signal<ReadonlySet<string>>(none);
export const selecting = computed(() => selected.value.size > 0);
let anchorId: string | null = null;

export const anchor = (): string | null => anchorId;

export function toggle(id: string): void {
  const next = new Set(selected.value);
  if (!next.delete(id)) next.add(id);
  selected.value = next;
  anchorId = id;
}

export function add(ids: Iterable<string>): void {
  selected.value = new Set([...selected.value, ...ids]);
}

/** All of them if one is missing, else none of them: what a click on a day means. */
export function toggleAll(ids: readonly string[]): void {
  const next = new Set(selected.value);
  if (ids.every((id) => next.has(id))) ids.forEach((id) => next.delete(id));
  else ids.forEach((id) => next.add(id));
  selected.value = next;
  anchorId = ids[0] ?? null;
}

export function clear(): void {
  anchorId = null;
  if (selected.peek().size) selected.value = none;
}

export function forget(ids: ReadonlySet<string>): void {
  const next = new Set([...selected.value].filter((id) => !ids.has(id)));
  if (next.size !== selected.value.size) selected.value = next;
}
