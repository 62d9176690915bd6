// SPDX-License-Identifier: Apache-2.0
//
// From what the browser hands over (a drop, a file button, a paste) to files with their paths.

import type { Given } from './types.ts';

export function fromInput(list: FileList | readonly File[]): Given[] {
  return Array.from(list, (file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * Must be called inside the drop event: the browser empties the transfer when the event ends. Folders are then read on,
 * and `found` is called with each portion, so that uploading begins before a large folder has been walked through.
 */
export async function fromDrop(transfer: DataTransfer, found: (given: Given[]) => void): Promise<{ unreadable: number }> {
  const entries: FileSystemEntry[] = [];
  const loose: File[] = [];
  for (const item of Array.from(transfer.items)) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry?.() ?? null;
    if (entry) entries.push(entry);
    else {
      const file = item.getAsFile();
      if (file) loose.push(file);
    }
  }
  if (loose.length) found(fromInput(loose));
  return walk(entries, found);
}

export const hasFiles = (transfer: DataTransfer | null): boolean => transfer?.types.includes('Files') ?? false;

const portion = 200;

async function walk(roots: FileSystemEntry[], found: (given: Given[]) => void): Promise<{ unreadable: number }> {
  let unreadable = 0;
  let batch: Given[] = [];
  const stack = [...roots].reverse();
  while (stack.length) {
    const entry = stack.pop()!;
    try {
      if (entry.isFile) {
        const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
        batch.push({ file, path: entry.fullPath.replace(/^\//, '') || file.name });
      } else if (entry.isDirectory) {
        const inside = await list((entry as FileSystemDirectoryEntry).createReader());
        // Numbers count as numbers: IMG_9 before IMG_10, as the folder shows them.
        inside.sort((a, b) => b.name.localeCompare(a.name, undefined, { numeric: true }));
        stack.push(...inside);
      }
    } catch {
      unreadable++;
    }
    if (batch.length >= portion) {
      found(batch);
      batch = [];
    }
  }
  if (batch.length) found(batch);
  return { unreadable };
}

/** readEntries gives a hundred at a time and an empty list at the end. */
async function list(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  const out: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return out;
    out.push(...part);
  }
}
