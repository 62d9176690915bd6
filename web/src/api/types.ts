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
