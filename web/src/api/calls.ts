// SPDX-License-Identifier: Apache-2.0
//
// The calls of the public API that the page makes, each named for what it does.

import { apiUrl, request } from './http.ts';
import type {
  Asset,
  AssetUpdate,
  BucketColumns,
  BucketCount,
  CacheStats,
  Health,
  PurgeKind,
  Purges,
  SearchPage,
  SearchQuery,
  ServerConfig,
  Statistics,
  User,
} from './types.ts';

/** The most ids one bulk request names: keeps each body small and each transaction short. */
const bulk = 500;

export const getConfig = (signal?: AbortSignal): Promise<ServerConfig> =>
  request('GET', '/server/config', { ownAuth: true, ...(signal && { signal }) });
export const getMe = (): Promise<User> => request('GET', '/users/me', { ownAuth: true });
export const getStatistics = (): Promise<Statistics> => request('GET', '/assets/statistics');

export const signUp = (name: string, email: string, password: string, setupToken?: string): Promise<User> =>
  request('POST', '/auth/admin-sign-up', {
    ownAuth: true,
    body: { name, email, password, ...(setupToken && { setupToken }) },
  });
export const login = (email: string, password: string): Promise<unknown> =>
  request('POST', '/auth/login', { ownAuth: true, body: { email, password } });
export const logout = (): Promise<unknown> => request('POST', '/auth/logout', { ownAuth: true });

export type TimelineFilter = { isTrashed: boolean; isFavorite?: boolean };

function timelineQuery(filter: TimelineFilter): string {
  const query = new URLSearchParams({ isTrashed: String(filter.isTrashed) });
  // The trash shows whatever was thrown away; everything else shows only what belongs on the timeline.
  if (!filter.isTrashed) query.set('visibility', 'timeline');
  if (filter.isFavorite !== undefined) query.set('isFavorite', String(filter.isFavorite));
  return query.toString();
}

export const getBuckets = (filter: TimelineFilter, signal?: AbortSignal): Promise<BucketCount[]> =>
  request('GET', `/timeline/buckets?${timelineQuery(filter)}`, { ...(signal && { signal }) });
export const getBucket = (filter: TimelineFilter, timeBucket: string, signal?: AbortSignal): Promise<BucketColumns> =>
  request('GET', `/timeline/bucket?timeBucket=${encodeURIComponent(timeBucket)}&${timelineQuery(filter)}`, {
    ...(signal && { signal }),
  });

export const search = (query: SearchQuery, signal?: AbortSignal): Promise<SearchPage> =>
  request('POST', '/search/metadata', { body: query, ...(signal && { signal }) });

export const getAsset = (id: string, signal?: AbortSignal): Promise<Asset> =>
  request('GET', `/assets/${id}`, { ...(signal && { signal }) });
export const updateAsset = (id: string, update: AssetUpdate): Promise<Asset> =>
  request('PUT', `/assets/${id}`, { body: update });

async function inBulk(ids: readonly string[], call: (part: string[]) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < ids.length; at += bulk) await call(ids.slice(at, at + bulk));
}

export const setFavorite = (ids: readonly string[], isFavorite: boolean): Promise<void> =>
  inBulk(ids, (part) => request('PUT', '/assets', { body: { ids: part, isFavorite } }));
export const trash = (ids: readonly string[]): Promise<void> =>
  inBulk(ids, (part) => request('DELETE', '/assets', { body: { ids: part, force: false } }));
export const deleteForGood = (ids: readonly string[]): Promise<void> =>
  inBulk(ids, (part) => request('DELETE', '/assets', { body: { ids: part, force: true } }));
export const restore = (ids: readonly string[]): Promise<void> =>
  inBulk(ids, (part) => request('POST', '/trash/restore/assets', { body: { ids: part } }));
export const restoreAll = (): Promise<unknown> => request('POST', '/trash/restore');
export const emptyTrash = (): Promise<unknown> => request('POST', '/trash/empty');

// ---- for administrators

export const getCacheStats = (signal: AbortSignal): Promise<CacheStats> => request('GET', '/cache/stats', { root: true, signal });
export const getPurges = (signal: AbortSignal): Promise<Purges> => request('GET', '/cache/purges', { root: true, signal });
export const getHealth = (signal: AbortSignal): Promise<Health> => request('GET', '/health', { root: true, signal, takes: 503 });
export const purge = (what: PurgeKind, text: string): Promise<{ id: string }> =>
  request('POST', `/cache/purge?${new URLSearchParams({ [what]: text }).toString()}`, { root: true });

export type ThumbnailSize = 'thumbnail' | 'preview' | 'fullsize';
export const thumbnailUrl = (id: string, size: ThumbnailSize): string => apiUrl(`/assets/${id}/thumbnail?size=${size}`);
export const originalUrl = (id: string): string => apiUrl(`/assets/${id}/original`);
