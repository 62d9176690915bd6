// SPDX-License-Identifier: Apache-2.0
//
// The shapes of the public HTTP API that this page reads and writes. They are Immich-shaped; only fields the page uses are named.

export interface ServerConfig {
  isInitialized: boolean;
  trashDays?: number;
  loginPageMessage?: string;
}

export interface User {
  id: string;
  email: string;
  name: string;
  isAdmin?: boolean;
}

export interface Statistics {
  images: number;
  videos: number;
  total: number;
}

export interface BucketCount {
  timeBucket: string;
  count: number;
}

/** One month, as parallel arrays. */
export interface BucketColumns {
  id: string[];
  ratio: number[];
  thumbhash: (string | null)[];
  fileCreatedAt: string[];
  localOffsetHours: number[];
  isFavorite: boolean[];
  isImage: boolean[];
  /** albumen's own. */
  isDamaged?: boolean[];
  duration: (string | number | null)[];
}

export interface ExifInfo {
  make?: string | null;
  model?: string | null;
  lensModel?: string | null;
  exifImageWidth?: number | null;
  exifImageHeight?: number | null;
  fileSizeInByte?: number | null;
  orientation?: string | null;
  dateTimeOriginal?: string | null;
  timeZone?: string | null;
  fNumber?: number | null;
  focalLength?: number | null;
  iso?: number | null;
  exposureTime?: string | number | null;
  latitude?: number | null;
  longitude?: number | null;
  city?: string | null;
  state?: string | null;
  country?: string | null;
  description?: string | null;
  rating?: number | null;
}

export interface Asset {
  id: string;
  type: 'IMAGE' | 'VIDEO' | 'AUDIO' | 'OTHER';
  originalFileName: string;
  originalMimeType?: string | null;
  thumbhash: string | null;
  fileCreatedAt: string;
  localDateTime: string;
  createdAt?: string;
  isFavorite: boolean;
  isTrashed: boolean;
  /** albumen's own: the picture cannot be shown whole, or its original has been damaged since it came. */
  isDamaged?: boolean;
  /** albumen's own: the latter; the same file, uploaded again, mends it. */
  isOriginalDamaged?: boolean;
  duration?: string | number | null;
  width?: number | null;
  height?: number | null;
  exifInfo?: ExifInfo | null;
  tags?: { id: string; name: string; value: string }[];
}

export interface AssetUpdate {
  isFavorite?: boolean;
  description?: string;
  rating?: number | null;
}

export interface SearchQuery {
  originalFileName?: string;
  takenAfter?: string;
  takenBefore?: string;
  page?: number;
  size?: number;
  withExif?: boolean;
  order?: 'asc' | 'desc';
  visibility?: string;
}

export interface SearchPage {
  assets: { total: number; count: number; items: Asset[]; nextPage: string | null };
}

// ---- the caches of pictures: GET /cache/stats, /cache/purges and /health of the server itself

export interface CacheNumbers {
  folder: string;
  /** False: what lies there is still being looked through. */
  complete: boolean;
  files: number;
  bytes: number;
  limitBytes: number;
  hits: number;
  misses: number;
  stored: number;
  refused: number;
  evicted: number;
  expired: number;
  corrupt: number;
}

export interface CacheStats {
  startedMs: number;
  nowMs: number;
  /** `unchanged`: the browser had it already (304). `made`: beforehand, too. */
  asked: { memory: number; disk: number; joined: number; made: number; failed: number; unchanged: number };
  memory: { bytes: number; limitBytes: number };
  results: CacheNumbers;
  sources: CacheNumbers | null;
  formats: { format: string; files: number; bytes: number }[];
  /** The door "jobs" is nobody: pictures that were made before somebody asked. */
  doors: { door: string; format: string; hits: number; misses: number; bytes: number; files: number; fileBytes: number }[];
  top: { source: string; hits: number; misses: number; bytes: number }[];
  scrub: { rounds: number; files: number; bytes: number; corrupt: number };
}

export type PurgeKind = 'source' | 'prefix' | 'url' | 'tag';

export interface Purge {
  id: string;
  atMs: number;
  what: PurgeKind;
  text: string;
  by: string;
  files: number;
  done: boolean;
}

export interface Purges {
  inForce: number;
  purges: Purge[];
}

export interface Health {
  status: string;
  reasons?: { what: string; waitingMs: number; limitMs: number }[];
  caches?: { folder: string; doing: string; error: string; sinceMs: number }[];
}
