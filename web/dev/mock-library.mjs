// SPDX-License-Identifier: Apache-2.0
//
// The photos of the mock: as many as wanted, spread over twenty years the way people photograph (little in the weeks, much
// on journeys), made month by month when somebody looks. Only what was changed or uploaded is kept.
import { random, sceneCount, sceneHash } from './scenes.mjs';

const ratios = [1.5, 1.5, 1.5, 1.333, 1.333, 0.75, 0.667, 1, 1.778, 2.4];
const cameras = [
  ['NIKON CORPORATION', 'NIKON D750', 'AF-S Nikkor 35mm f/1.8G ED', 35],
  ['FUJIFILM', 'X-T4', 'XF23mmF2 R WR', 23],
  ['Google', 'Pixel 7', 'Pixel 7 back camera 6.81mm f/1.85', 6.8],
  ['Canon', 'Canon EOS 6D', 'EF50mm f/1.8 STM', 50],
];
const places = [
  ['Porto', 'Porto', 'Portugal', 41.1496, -8.611],
  ['Tromsø', 'Troms', 'Norway', 69.6492, 18.9553],
  ['Kyoto', 'Kyoto', 'Japan', 35.0116, 135.7681],
  [null, null, null, null, null],
];

const pad = (n, width = 2) => String(n).padStart(width, '0');
export const idOf = (index) => `00000000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`;
const indexOf = (id) => (id.startsWith('00000000-0000-7000-8000-') ? parseInt(id.slice(24), 16) : -1);

export class Library {
  constructor(photos, damaged = 0) {
    this.damaged = damaged;
    this.months = [];
    this.cache = new Map();
    /** id -> what a person changed */
    this.changes = new Map();
    /** photos that were uploaded */
    this.uploaded = new Map();
    this.deleted = new Set();
    this.spread(photos);
  }

  spread(photos) {
    if (photos === 0) return;
    const r = random(11);
    const now = new Date(Date.UTC(2024, 5, 1));
    const count = Math.min(240, Math.max(1, Math.ceil(photos / 30)));
    const weights = Array.from({ length: count }, (_, i) => {
      const month = (now.getUTCMonth() - i + 1200) % 12;
      const season = month >= 5 && month <= 8 ? 2.2 : month === 11 ? 1.6 : 0.8;
      return season * (0.4 + r() * r() * 3) * (1 - (i / count) * 0.6);
    });
    const sum = weights.reduce((a, b) => a + b, 0);
    let first = 0;
    weights.forEach((w, i) => {
      const n = i === count - 1 ? photos - first : Math.min(photos - first, Math.max(1, Math.round((w / sum) * photos)));
      if (n <= 0) return;
      const start = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - i, 1);
      const end = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - i + 1, 1);
      this.months.push({ key: new Date(start).toISOString().slice(0, 10), start, end: Math.min(end, Date.UTC(2024, 5, 20)), first, n });
      first += n;
    });
    this.count = first;
  }

  /** The photos that came with the library, newest first. */
  month(m) {
    let list = this.cache.get(m.key);
    if (!list) {
      const r = random(m.first + 3);
      const days = Array.from({ length: Math.max(2, Math.ceil(m.n / 26)) }, () => m.start + Math.floor(r() * (m.end - m.start)));
      const times = Array.from({ length: m.n }, () => {
        const day = Math.floor(days[Math.floor(r() * r() * days.length)] / 86_400_000) * 86_400_000;
        return day + (8 + Math.floor(r() * 12)) * 3_600_000 + Math.floor(r() * 3_600_000);
      }).sort((a, b) => b - a);
      list = times.map((time, i) => this.made(m.first + i, time));
      this.cache.set(m.key, list);
    }
    return list;
  }

  made(index, time) {
    const r = random(index * 7 + 5);
    const seed = Math.floor(r() * sceneCount);
    const ratio = ratios[Math.floor(r() * ratios.length)];
    const video = r() < 0.015;
    return { id: idOf(index), index, time, seed, ratio, video, favorite: r() < 0.03, trashed: false, damaged: this.damaged > 0 && index % this.damaged === 1, name: `${video ? 'MOV' : 'IMG'}_${pad(index % 10000, 4)}.${video ? 'mp4' : 'jpg'}` };
  }

  /** With everything that was changed applied. */
  now(photo) {
    const change = this.changes.get(photo.id);
    return change ? { ...photo, ...change } : photo;
  }

  change(id, what) {
    this.changes.set(id, { ...this.changes.get(id), ...what });
  }

  *all() {
    for (const photo of [...this.uploaded.values()].sort((a, b) => b.time - a.time)) yield this.now(photo);
    for (const m of this.months) for (const photo of this.month(m)) yield this.now(photo);
  }

  find(id) {
    if (this.deleted.has(id)) return null;
    const up = this.uploaded.get(id);
    if (up) return this.now(up);
    const index = indexOf(id);
    const m = this.months.find((x) => index >= x.first && index < x.first + x.n);
    return m ? this.now(this.month(m)[index - m.first]) : null;
  }

  static keyOf(time) {
    const d = new Date(time);
    return `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-01`;
  }

  /** Months with their number of photos that pass. Plain months are counted without being made. */
  buckets(pass, plain) {
    const counts = new Map();
    const add = (key, n) => counts.set(key, (counts.get(key) ?? 0) + n);
    const touched = new Set([...this.changes.keys(), ...this.deleted]);
    for (const m of this.months) {
      if (plain) {
        add(m.key, m.n);
        for (const id of touched) {
          const i = indexOf(id);
          if (i < m.first || i >= m.first + m.n) continue;
          if (this.deleted.has(id) || !pass(this.find(id))) add(m.key, -1);
        }
      } else {
        const list = this.month(m).filter((p) => !this.deleted.has(p.id) && pass(this.now(p)));
        if (list.length) add(m.key, list.length);
      }
    }
    for (const photo of this.uploaded.values()) {
      if (!this.deleted.has(photo.id) && pass(this.now(photo))) add(Library.keyOf(photo.time), 1);
    }
    return [...counts].filter(([, n]) => n > 0).sort(([a], [b]) => (a < b ? 1 : -1)).map(([timeBucket, count]) => ({ timeBucket, count }));
  }

  bucket(key, pass) {
    const m = this.months.find((x) => x.key === key);
    const list = [...(m ? this.month(m) : []), ...[...this.uploaded.values()].filter((p) => Library.keyOf(p.time) === key)];
    const photos = list.filter((p) => !this.deleted.has(p.id)).map((p) => this.now(p)).filter(pass).sort((a, b) => b.time - a.time);
    const column = (f) => photos.map(f);
    return {
      id: column((p) => p.id),
      ownerId: column(() => 'a0000000-0000-7000-8000-000000000001'),
      ratio: column((p) => p.ratio),
      isFavorite: column((p) => p.favorite),
      visibility: column(() => 'timeline'),
      isTrashed: column((p) => p.trashed),
      isDamaged: column((p) => p.damaged === true),
      isImage: column((p) => !p.video),
      thumbhash: column((p) => (p.seed === null ? null : sceneHash(p.seed, p.ratio))),
      fileCreatedAt: column((p) => new Date(p.time - 7_200_000).toISOString()),
      createdAt: column((p) => new Date(p.time).toISOString()),
      localOffsetHours: column(() => 2),
      duration: column((p) => (p.video ? '0:00:42.000000' : null)),
      livePhotoVideoId: column(() => null),
      projectionType: column(() => null),
      city: column(() => null),
      country: column(() => null),
    };
  }

  detail(p) {
    const r = random(p.index * 13 + 1);
    const [make, model, lensModel, focalLength] = cameras[Math.floor(r() * cameras.length)];
    const [city, state, country, latitude, longitude] = places[Math.floor(r() * places.length)];
    const long = p.seed === null ? (p.width ?? 100) : 6000;
    const width = p.ratio >= 1 ? long : Math.round(long * p.ratio);
    const height = p.ratio >= 1 ? Math.round(long / p.ratio) : long;
    const local = new Date(p.time).toISOString();
    const utc = new Date(p.time - 7_200_000).toISOString();
    const camera = p.seed === null ? {} : { make, model, lensModel, focalLength, fNumber: [1.8, 2.8, 5.6, 8][Math.floor(r() * 4)], iso: [100, 200, 800][Math.floor(r() * 3)], exposureTime: ['1/60', '1/250', '1/2000'][Math.floor(r() * 3)], city, state, country, latitude, longitude };
    return {
      id: p.id, ownerId: 'a0000000-0000-7000-8000-000000000001', type: p.video ? 'VIDEO' : 'IMAGE', originalFileName: p.name, originalMimeType: 'image/jpeg',
      originalPath: '', checksum: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=', thumbhash: p.seed === null ? null : sceneHash(p.seed, p.ratio), createdAt: utc, updatedAt: utc, fileCreatedAt: utc, fileModifiedAt: utc,
      localDateTime: local, isFavorite: p.favorite, isArchived: false, isTrashed: p.trashed, isOffline: false, isDamaged: p.damaged === true, isOriginalDamaged: p.damaged === true && p.index % 2 === 1, visibility: 'timeline', duration: null, hasMetadata: true, width, height, tags: [],
      exifInfo: { ...camera, exifImageWidth: width, exifImageHeight: height, fileSizeInByte: p.size ?? 4_812_337, orientation: '1', dateTimeOriginal: utc.replace('Z', '+00:00'), timeZone: 'UTC+2', description: p.description ?? '', rating: p.rating ?? null },
    };
  }
}
