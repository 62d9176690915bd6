// SPDX-License-Identifier: Apache-2.0
//
// Words shared by the parts of the uploader: queue (decides), engine (moves bytes), store (remembers).

/** A file that somebody gave us, with its place in the folder it came from. */
export interface Given {
  file: File;
  /** "Trip/day 1/IMG_1.jpg"; just the name for a single file */
  path: string;
}

export type ItemState =
  /** remembered from an earlier visit; the browser will not give us its bytes again until it is dropped again */
  | 'missing'
  | 'waiting'
  /** asking the server whether it still has what we sent earlier */
  | 'checking'
  | 'uploading'
  | 'paused'
  | 'failed'
  | 'done';

export type Result = 'created' | 'duplicate' | 'restored' | 'present';

export interface Item {
  /** path, size and time of last change: what makes us believe that two files are the same one */
  key: string;
  path: string;
  name: string;
  size: number;
  mtime: number;
  file: File | null;
  state: ItemState;
  sent: number;
  /** tus URL once the server has given one */
  url: string | null;
  assetId: string | null;
  result: Result | null;
  error: string | null;
  /** tries since the last byte that got through */
  tries: number;
  /** the engine has it, sending or paused */
  engaged: boolean;
  addedAt: number;
}

/** What survives a reload. */
export interface Remembered {
  key: string;
  path: string;
  size: number;
  mtime: number;
  url: string | null;
  done: boolean;
  assetId: string | null;
  addedAt: number;
}

export type FailureKind =
  /** this file will not do (422, 413, ...): tell, do not try again by ourselves */
  | 'refused'
  /** nobody answered, or the server broke: try again when it answers */
  | 'network'
  /** the session ended */
  | 'auth'
  /** the server's disk is full */
  | 'full'
  /** come back later (429) */
  | 'busy';

export interface Failure {
  kind: FailureKind;
  message: string;
  /** seconds, for busy */
  after?: number;
}

export interface EngineEvents {
  url(key: string, url: string): void;
  progress(key: string, sent: number): void;
  done(key: string, assetId: string | null, result: Result | null): void;
  failed(key: string, failure: Failure): void;
}

export interface Engine {
  start(item: Item): void;
  /** Stops sending, keeps what the server has. */
  pause(key: string): void;
  resume(key: string): void;
  /** Stops, and lets the server forget what it has. No event follows. */
  cancel(key: string): void;
}

export interface Store {
  load(): Promise<Remembered[]>;
  put(records: Remembered[]): Promise<void>;
  remove(keys: string[]): Promise<void>;
}

export const keyOf = (path: string, size: number, mtime: number): string => `${path}\n${size}\n${mtime}`;
