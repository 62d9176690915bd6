// SPDX-License-Identifier: Apache-2.0
//
// The memory of the uploader, in IndexedDB: per file its path, size, time of change and where on the server it continues.
// Never the bytes: the browser would copy whole albums. (Uppy's golden-retriever keeps blobs and rewrites its whole state
// on every step; with ten thousand files that is too much, and it cannot match a folder that is dropped again.)

import type { Remembered, Store } from './types.ts';

/** After this time a finished file is asked about no more: it is sent again and the server calls it a duplicate. */
const forgetAfter = 90 * 86_400_000;

function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class IndexedStore implements Store {
  private db: Promise<IDBDatabase> | null = null;

  /** One database per user: what one person sends is no business of the next one at this browser. */
  constructor(private readonly user: string) {}

  private open(): Promise<IDBDatabase> {
    this.db ??= new Promise((resolve, reject) => {
      const request = indexedDB.open(`albumen-uploads-${this.user}`, 1);
      request.onupgradeneeded = () => request.result.createObjectStore('files', { keyPath: 'key' });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return this.db;
  }

  private async write(change: (files: IDBObjectStore) => void): Promise<void> {
    const db = await this.open();
    await new Promise<void>((resolve, reject) => {
      const tx = db.transaction('files', 'readwrite');
      change(tx.objectStore('files'));
      tx.oncomplete = () => resolve();
      tx.onabort = () => reject(tx.error);
    });
  }

  async load(): Promise<Remembered[]> {
    const db = await this.open();
    const all = await promised<Remembered[]>(db.transaction('files').objectStore('files').getAll());
    const oldest = Date.now() - forgetAfter;
    const old = all.filter((r) => r.addedAt < oldest);
    if (old.length) await this.remove(old.map((r) => r.key));
    return all.filter((r) => r.addedAt >= oldest);
  }

  put(records: Remembered[]): Promise<void> {
    return this.write((files) => records.forEach((r) => files.put(r)));
  }

  remove(keys: string[]): Promise<void> {
    return this.write((files) => keys.forEach((k) => files.delete(k)));
  }
}
