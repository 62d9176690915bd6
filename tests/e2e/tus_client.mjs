// SPDX-License-Identifier: Apache-2.0
// tus-js-client as its users call it, one flow per run: node tus_client.mjs FLOW ENDPOINT KEY FILE [restart address]
// Prints one JSON line: {url, asset, progress}.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const tus = require('tus-js-client');
const [flow, endpoint, key, file, restart] = process.argv.slice(2);
const size = fs.statSync(file).size;

let asset;
const options = {
  endpoint,
  headers: { 'x-api-key': key },
  retryDelays: [200, 400, 800, 1600, 3200],
  metadata: { filename: file.split('/').pop(), filetype: 'image/jpeg' },
  onAfterResponse: (_req, res) => { asset = res.getHeader('Albumen-Asset') ?? asset; },
};

function run(input, extra) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(input, { ...options, ...extra, onError: reject, onSuccess: () => resolve(upload) });
    upload.start();
  });
}

/** Stops after the first piece, goes on with what the client remembers. */
async function resumed() {
  const storage = new tus.FileUrlStorage(`${file}.urls`);
  const extra = { urlStorage: storage, chunkSize: Math.ceil(size / 4), storeFingerprintForResuming: true };
  await new Promise((resolve, reject) => {
    const upload = new tus.Upload(fs.createReadStream(file), {
      ...options, ...extra, onError: reject,
      onChunkComplete: () => upload.abort().then(resolve, reject),
    });
    upload.start();
  });
  const upload = new tus.Upload(fs.createReadStream(file), { ...options, ...extra });
  const previous = await upload.findPreviousUploads();
  if (previous.length !== 1) throw new Error(`${previous.length} uploads remembered`);
  return new Promise((resolve, reject) => {
    upload.options.onError = reject;
    upload.options.onSuccess = () => resolve(upload);
    upload.resumeFromPreviousUpload(previous[0]);
    upload.start();
  });
}

/** The server is killed and started again in the middle; the client's retries find it. */
async function killed() {
  let pieces = 0, restarting;
  return run(fs.createReadStream(file), {
    chunkSize: Math.ceil(size / 6),
    onChunkComplete: () => {
      if (++pieces === 2) restarting = fetch(restart, { method: 'POST' });
    },
  }).then(async (upload) => { await restarting; return upload; });
}

// deferred: a stream that ends with a piece leaves this client waiting for more of it; so its last piece is short.
const flows = {
  plain: () => run(fs.createReadStream(file), {}),
  chunks: () => run(fs.createReadStream(file), { chunkSize: Math.ceil(size / 5) }),
  deferred: () => run(fs.createReadStream(file).pipe(new PassThrough()), { uploadLengthDeferred: true, chunkSize: Math.ceil(size / 5) + 7 }),
  parallel: () => run(fs.createReadStream(file), { parallelUploads: 3 }),
  override: () => run(fs.createReadStream(file), { overridePatchMethod: true, chunkSize: Math.ceil(size / 3) }),
  'with-creation': () => run(fs.readFileSync(file), { uploadDataDuringCreation: true }),
  'ietf-03': () => run(fs.createReadStream(file), { protocol: 'ietf-draft-03', chunkSize: Math.ceil(size / 3) }),
  'ietf-05': () => run(fs.createReadStream(file), { protocol: 'ietf-draft-05', chunkSize: Math.ceil(size / 3) }),
  resumed,
  killed,
  async terminated() {
    const upload = new tus.Upload(fs.createReadStream(file), { ...options, chunkSize: Math.ceil(size / 4) });
    await new Promise((resolve, reject) => {
      upload.options.onError = reject;
      upload.options.onChunkComplete = () => upload.abort(true).then(resolve, reject);
      upload.start();
    });
    return upload;
  },
};

const upload = await flows[flow]().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
console.log(JSON.stringify({ url: upload.url, asset: asset ?? null }));
