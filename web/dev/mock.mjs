// SPDX-License-Identifier: Apache-2.0
//
// A server with the page's part of the API and nothing behind it: a made-up library, uploads in memory. For working on the
// page and for its browser tests; the real end-to-end tests run against the daemon.
//
// It refuses what the daemon refuses (no session, unknown types, empty files, wrong offsets) so that the page cannot get
// used to more than it will find, and it sends the Content-Security-Policy of dist/manifest.json.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Cache } from './mock-cache.mjs';
import { Library } from './mock-library.mjs';
import { scenePng } from './scenes.mjs';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const mostUploads = 512 * 1024 * 1024;
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png', '.txt': 'text/plain; charset=utf-8', '.json': 'application/json', '.webmanifest': 'application/manifest+json' };

/**
 * @param {{port?: number, photos?: number, password?: string | null, setupToken?: string, latency?: number, admin?: boolean, damaged?: number}} options
 *        password null: nobody exists yet; latency: milliseconds before every answer of the API; damaged: every so manieth photo is
 */
export async function startMock(options = {}) {
  const mock = new Mock({ port: 0, photos: 0, password: 'secret', setupToken: 'token', latency: 0, admin: true, damaged: 0, ...options });
  await mock.listen();
  return mock;
}

class Mock {
  constructor(options) {
    this.options = options;
    this.library = new Library(options.photos, options.damaged);
    this.cache = new Cache(options.admin);
    this.user = options.password === null ? null : { name: 'admin', email: 'admin@albumen.local', password: options.password };
    this.sessions = new Set();
    this.uploads = new Map();
    this.sums = new Map();
    this.log = [];
    this.port = options.port;
    this.csp = existsSync(join(dist, 'manifest.json')) ? JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8')).contentSecurityPolicy : '';
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen() {
    this.server = createServer((req, res) => {
      this.handle(req, res).catch((err) => {
        if (err.status) return send(res, err.status, { message: err.message, statusCode: err.status });
        if (!res.headersSent && !res.destroyed) send(res, 500, { message: String(err.stack ?? err), statusCode: 500 });
        return undefined;
      });
    });
    await new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = this.server.address().port;
  }

  /** As a crash looks from outside: connections break, the port is closed. What was stored stays stored. */
  async down() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  up() {
    return this.listen();
  }

  close() {
    return this.down();
  }

  async handle(req, res) {
    const url = new URL(req.url, this.url);
    this.log.push({ method: req.method, path: url.pathname, headers: req.headers });
    if (this.log.length > 5000) this.log.splice(0, 2500);
    if (url.pathname.startsWith('/files')) return this.tus(req, res, url);
    if (url.pathname.startsWith('/api/')) {
      if (this.options.latency) await new Promise((resolve) => setTimeout(resolve, this.options.latency));
      return this.api(req, res, url);
    }
    if (url.pathname === '/health' || url.pathname.startsWith('/cache/')) return this.cache.answer(req, res, url, this.signedIn(req), send, refused);
    return this.page(req, res, url);
  }

  signedIn(req) {
    const m = /(?:^|;\s*)immich_access_token=([\w-]+)/.exec(req.headers.cookie ?? '');
    return m !== null && this.sessions.has(m[1]);
  }

  // ---- the page itself

  page(req, res, url) {
    const path = normalize(url.pathname === '/' ? '/index.html' : url.pathname);
    const file = join(dist, path);
    if (!file.startsWith(dist) || !existsSync(file) || !statSync(file).isFile()) return send(res, 404, { message: 'Not found' });
    const immutable = path.startsWith('/assets/');
    res.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': this.csp,
      'x-content-type-options': 'nosniff',
      'cache-control': immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    });
    createReadStream(file).pipe(res);
    return undefined;
  }

  // ---- the API

  async api(req, res, url) {
    const body = await json(req);
    const at = `${req.method} ${url.pathname.slice(4)}`;
    const open = {
      'GET /server/config': () => ({ isInitialized: this.user !== null, trashDays: 30, loginPageMessage: '', externalDomain: '' }),
      'GET /server/ping': () => ({ res: 'pong' }),
      'POST /auth/admin-sign-up': () => this.signUp(body),
      'POST /auth/login': () => this.login(body, res),
    };
    if (open[at]) return send(res, req.method === 'POST' ? 201 : 200, open[at]());
    if (!this.signedIn(req)) throw refused(401, 'Authentication required');
    const closed = {
      'GET /users/me': () => ({ id: 'a0000000-0000-7000-8000-000000000001', email: this.user.email, name: this.user.name, isAdmin: this.options.admin, createdAt: '2024-01-01T00:00:00.000Z', updatedAt: '2024-01-01T00:00:00.000Z', deletedAt: null }),
      'POST /auth/logout': () => {
        this.sessions.clear();
        return { successful: true, redirectUri: '' };
      },
      'GET /timeline/buckets': () => this.library.buckets(...filterOf(url.searchParams)),
      'GET /timeline/bucket': () => this.library.bucket(url.searchParams.get('timeBucket').slice(0, 10), filterOf(url.searchParams)[0]),
      'GET /assets/statistics': () => this.statistics(),
      'POST /search/metadata': () => this.search(body),
      'PUT /assets': () => this.changeMany(body.ids, { ...(body.isFavorite !== undefined && { favorite: body.isFavorite }) }),
      'DELETE /assets': () => (body.force ? this.deleteMany(body.ids) : this.changeMany(body.ids, { trashed: true })),
      'POST /trash/restore/assets': () => ({ count: this.changeMany(body.ids, { trashed: false }) ?? body.ids.length }),
      'POST /trash/restore': () => {
        const ids = this.trashed();
        this.changeMany(ids, { trashed: false });
        return { count: ids.length };
      },
      'POST /trash/empty': () => {
        const ids = this.trashed();
        this.deleteMany(ids);
        return { count: ids.length };
      },
    };
    if (closed[at]) {
      const answer = closed[at]();
      return answer === undefined ? send(res, 204) : send(res, 200, answer);
    }
    const m = /^\/assets\/([0-9a-f-]{36})(\/thumbnail|\/original)?$/.exec(url.pathname.slice(4));
    if (!m) throw refused(404, `Cannot ${req.method} ${url.pathname}`);
    const photo = this.library.find(m[1]);
    if (!photo) throw refused(404, 'Not found or no asset.read access');
    if (m[2] === '/thumbnail') return this.thumbnail(res, photo, url.searchParams.get('size') ?? 'thumbnail');
    if (m[2] === '/original') return this.original(res, photo);
    if (req.method === 'PUT') {
      this.library.change(photo.id, { ...(body.isFavorite !== undefined && { favorite: body.isFavorite }), ...(body.description !== undefined && { description: body.description }), ...(body.rating !== undefined && { rating: body.rating }) });
    }
    return send(res, 200, this.library.detail(this.library.find(photo.id)));
  }

  signUp(body) {
    if (this.user) throw refused(400, 'The server already has an admin');
    if (this.options.setupToken && body.setupToken !== this.options.setupToken) throw refused(403, 'The set-up token is wrong');
    if (!body.password || body.password.length < 8) throw refused(400, 'The password is too short');
    this.user = { name: body.name, email: body.email, password: body.password };
    return { id: 'a0000000-0000-7000-8000-000000000001', email: body.email, name: body.name, isAdmin: true };
  }

  login(body, res) {
    const known = this.user && (body.email === this.user.email || body.email === this.user.name);
    if (!known || body.password !== this.user.password) throw refused(401, 'Incorrect email or password');
    const token = randomUUID();
    this.sessions.add(token);
    res.setHeader('set-cookie', `immich_access_token=${token}; Path=/; HttpOnly; SameSite=Lax`);
    return { accessToken: token, userId: 'a0000000-0000-7000-8000-000000000001', userEmail: this.user.email, name: this.user.name, isAdmin: true, shouldChangePassword: false };
  }

  changeMany(ids, what) {
    for (const id of ids) if (this.library.find(id)) this.library.change(id, what);
  }

  deleteMany(ids) {
    for (const id of ids) {
      this.library.deleted.add(id);
      this.library.changes.delete(id);
    }
  }

  trashed() {
    return [...this.library.changes].filter(([id, c]) => c.trashed && !this.library.deleted.has(id)).map(([id]) => id);
  }

  statistics() {
    const gone = this.trashed().length + this.library.deleted.size;
    const total = (this.library.count ?? 0) + this.library.uploaded.size - gone;
    const videos = Math.floor((this.library.count ?? 0) * 0.015);
    return { images: total - videos, videos, total };
  }

  search(body) {
    const after = body.takenAfter ? Date.parse(body.takenAfter) : -Infinity;
    const before = body.takenBefore ? Date.parse(body.takenBefore) : Infinity;
    const name = (body.originalFileName ?? '').toLowerCase();
    const size = body.size ?? 250;
    const first = ((body.page ?? 1) - 1) * size;
    const items = [];
    let seen = 0;
    let more = false;
    for (const p of this.library.all()) {
      const utc = p.time - 7_200_000;
      if (this.library.deleted.has(p.id) || p.trashed || utc < after || utc > before || !p.name.toLowerCase().includes(name)) continue;
      if (seen++ < first) continue;
      if (items.length === size) {
        more = true;
        break;
      }
      items.push(this.library.detail(p));
    }
    return { albums: { total: 0, count: 0, items: [], facets: [] }, assets: { total: items.length, count: items.length, items, facets: [], nextPage: more ? String((body.page ?? 1) + 1) : null } };
  }

  thumbnail(res, photo, size) {
    if (photo.seed === null) return this.original(res, photo);
    const short = { thumbnail: 250, preview: 720, fullsize: 1100 }[size] ?? 250;
    const png = scenePng(photo.seed, photo.ratio, short);
    res.writeHead(200, { 'content-type': 'image/png', 'content-length': png.length, 'cache-control': 'private, max-age=86400' });
    res.end(png);
    return undefined;
  }

  original(res, photo) {
    const bytes = photo.bytes ?? scenePng(photo.seed, photo.ratio, 1100);
    res.writeHead(200, { 'content-type': 'image/png', 'content-length': bytes.length, 'content-disposition': `attachment; filename="${photo.name}"`, 'cache-control': 'private, max-age=86400' });
    res.end(bytes);
    return undefined;
  }

  // ---- tus 1.0: creation, creation-with-upload, HEAD, PATCH, DELETE

  async tus(req, res, url) {
    res.setHeader('tus-resumable', '1.0.0');
    if (!this.signedIn(req)) throw refused(401, 'Authentication required');
    if (req.headers['tus-resumable'] !== '1.0.0') throw refused(412, 'ERR_UNSUPPORTED_VERSION');
    const id = url.pathname.replace(/^\/files\/?/, '');
    if (req.method === 'POST' && id === '') return this.create(req, res);
    const up = this.uploads.get(id);
    if (!up) throw refused(404, 'upload not found');
    if (req.method === 'HEAD') {
      res.writeHead(200, { 'upload-offset': up.offset, 'upload-length': up.length, 'cache-control': 'no-store', ...(up.result ?? {}) });
      return res.end();
    }
    if (req.method === 'DELETE') {
      this.uploads.delete(id);
      return send(res, 204);
    }
    if (req.method !== 'PATCH') throw refused(405, 'method not allowed');
    if (Number(req.headers['upload-offset']) !== up.offset) {
      res.setHeader('upload-offset', up.offset);
      throw refused(409, 'the offset is another');
    }
    await this.receive(req, up);
    return this.answer(res, up, 204);
  }

  async create(req, res) {
    const length = Number(req.headers['upload-length']);
    if (length === 0) throw refused(422, 'The file is empty');
    const held = [...this.uploads.values()].reduce((n, u) => n + u.length, 0);
    if (held + length > mostUploads) throw refused(507, 'The mock keeps no more than 512 MB');
    const metadata = Object.fromEntries((req.headers['upload-metadata'] ?? '').split(',').map((pair) => {
      const [key, value = ''] = pair.trim().split(' ');
      return [key, Buffer.from(value, 'base64').toString()];
    }));
    const up = { id: randomUUID(), length, offset: 0, chunks: [], metadata, result: null };
    this.uploads.set(up.id, up);
    res.setHeader('location', `/files/${up.id}`);
    if (req.headers['content-type'] === 'application/offset+octet-stream') await this.receive(req, up);
    return this.answer(res, up, 201);
  }

  /** Keeps every byte that arrived, also when the connection breaks. */
  async receive(req, up) {
    for await (const chunk of req) {
      up.chunks.push(chunk);
      up.offset += chunk.length;
    }
    if (up.offset > up.length) throw refused(413, 'More bytes than were announced');
  }

  answer(res, up, status) {
    res.setHeader('upload-offset', up.offset);
    if (up.offset === up.length) {
      up.result ??= this.finish(up);
      for (const [key, value] of Object.entries(up.result)) res.setHeader(key, value);
    }
    return send(res, status);
  }

  finish(up) {
    const bytes = Buffer.concat(up.chunks);
    up.chunks = [];
    const size = sizeOf(bytes);
    if (!size) {
      this.uploads.delete(up.id);
      throw refused(422, 'The content is no picture of a known type');
    }
    const sum = createHash('sha1').update(bytes).digest('hex');
    const known = this.sums.get(sum);
    if (known && !this.library.deleted.has(known)) {
      const photo = this.library.find(known);
      if (photo.trashed) this.library.change(known, { trashed: false });
      return { 'albumen-asset': known, 'albumen-result': photo.trashed ? 'restored' : 'duplicate' };
    }
    const id = randomUUID();
    const time = Date.parse(up.metadata['taken-at'] ?? '') || Date.now();
    this.sums.set(sum, id);
    this.library.uploaded.set(id, {
      id, index: 0, time, seed: null, ratio: size.width / size.height, width: size.width, video: false, favorite: false, trashed: false,
      name: up.metadata.filename ?? 'unnamed', size: bytes.length, bytes,
    });
    return { 'albumen-asset': id, 'albumen-result': 'created' };
  }
}

function refused(status, message) {
  return Object.assign(new Error(message), { status });
}

function send(res, status, body) {
  if (body === undefined) {
    res.writeHead(status);
    res.end();
    return;
  }
  const text = JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) });
  res.end(text);
}

async function json(req) {
  if (req.method === 'GET' || req.method === 'HEAD') return {};
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : JSON.parse(text);
}

/** The test of one photo, and whether unchanged months can be counted without looking at their photos. */
function filterOf(query) {
  const trashed = query.get('isTrashed') === 'true';
  const favorite = query.get('isFavorite');
  const pass = (p) => p.trashed === trashed && (favorite === null || p.favorite === (favorite === 'true'));
  return [pass, !trashed && favorite === null];
}

/** Only PNG and JPEG, by content. */
function sizeOf(bytes) {
  if (bytes.length > 24 && bytes.readUInt32BE(0) === 0x89504e47) return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  for (let at = 2; at + 9 < bytes.length; ) {
    const marker = bytes[at + 1];
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}
