// SPDX-License-Identifier: Apache-2.0
//
// The mock's caches: numbers that grow while one looks, and purges that take a moment. Tests set `fault` and `still`.
import { idOf } from './mock-library.mjs';

const doors = [['immich', 'webp', 40, 2], ['immich', 'jpeg', 9, 1], ['imgproxy', 'avif', 6, 1], ['imgproxy', 'webp', 4, 1], ['thumbor', 'png', 1, 1], ['jobs', 'webp', 0, 3]];
const removalTakes = 1200;

export class Cache {
  constructor(admin) {
    this.admin = admin;
    this.started = Date.now() - 5_000_000;
    this.purges = [];
    /** Numbers do not grow: for pictures of the page. */
    this.still = false;
    /** As /health has it under `caches`. */
    this.fault = null;
    this.asked = 0;
  }

  answer(req, res, url, signedIn, send, refused) {
    const at = `${req.method} ${url.pathname}`;
    if (at === 'GET /health') return send(res, 200, { status: 'ok', ...(this.fault && { caches: [this.fault] }) });
    if (!signedIn) throw refused(401, 'Authentication required');
    if (!this.admin) throw refused(403, 'only administrators may look into the caches');
    if (at === 'GET /cache/stats') return send(res, 200, this.stats());
    if (at === 'GET /cache/purges') return send(res, 200, { inForce: this.purges.length, purges: this.list() });
    if (at === 'POST /cache/purge') return send(res, 200, this.purge(url, refused));
    throw refused(404, `Cannot ${at}`);
  }

  purge(url, refused) {
    const what = ['url', 'source', 'prefix', 'tag'].find((k) => url.searchParams.has(k));
    const text = what && url.searchParams.get(what);
    if (!text || text.includes('nothing')) throw refused(400, 'this is no URL of a picture, with its signature or what stands in its place');
    const id = String(2n ** 57n + BigInt(this.purges.length));
    this.purges.unshift({ id, atMs: Date.now(), what, text, by: 'admin', most: what === 'source' ? 5 : 132 });
    return { purged: true, id };
  }

  list() {
    return this.purges.slice(0, 32).map(({ most, ...p }) => {
      const done = Date.now() - p.atMs > removalTakes;
      return { ...p, files: done ? most : 0, done };
    });
  }

  stats() {
    if (!this.still) this.asked++;
    const n = this.asked;
    const gone = this.list().reduce((sum, p) => sum + p.files, 0);
    const results = {
      folder: 'cache', complete: true, files: 48_210 + n - gone, bytes: 6_612_000_000 + n * 137_000 - gone * 137_000, limitBytes: 10_000_000_000,
      hits: 21_400 + n, misses: 51_212, stored: 51_170, refused: 3, evicted: 2_911, expired: 49, corrupt: 1,
    };
    return {
      startedMs: this.started,
      nowMs: this.still ? this.started + 5_000_000 : Date.now(),
      asked: { memory: 1_482_311 + n * 56, disk: 21_400 + n * 4, joined: 312, made: 81_000, failed: 42, unchanged: 295_977 },
      memory: { bytes: 131_072_000, limitBytes: 134_217_728 },
      results,
      sources: { ...results, folder: 'sources', files: 412, bytes: 902_000_000, limitBytes: 4_294_967_296, evicted: 12, expired: 0, corrupt: 0, refused: 0 },
      formats: [{ format: 'webp', files: 40_100, bytes: 4_100_000_000 }, { format: 'avif', files: 6_000, bytes: 1_300_000_000 }, { format: 'jpeg', files: 2_110, bytes: 1_212_000_000 }],
      doors: doors.map(([door, format, hits, misses]) => ({ door, format, hits: hits * 30_000 + n * hits, misses: misses * 9_000, bytes: hits * 700_000_000, files: (hits + misses) * 700, fileBytes: (hits + misses) * 97_000_000 })),
      top: [
        ...[1, 2, 3, 5].map((i) => ({ source: `asset://${idOf(i)}`, hits: 4_000 - i * 700 + n, misses: 3, bytes: (4_000 - i * 700) * 31_000 })),
        { source: 'https://example.com/holidays/2024/a-very-long-name-of-a-photograph-from-the-sea.jpg', hits: 411, misses: 6, bytes: 19_000_000 },
        { source: 'local:///shop/shoes.png', hits: 20, misses: 20, bytes: 800_000 },
      ],
      scrub: { rounds: 3, files: 12_044, bytes: 1_900_000_000, corrupt: 1 },
    };
  }
}
