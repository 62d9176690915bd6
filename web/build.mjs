// SPDX-License-Identifier: Apache-2.0
//
// Builds the page: src/ -> dist/.
//
//   node build.mjs            one build, minified
//   node build.mjs --watch    builds again on every change (not minified), for work with dev/mock.mjs
//
// dist/manifest.json is the contract with the server that embeds the result. It lists every file with its media type,
// and whether it may be cached for ever (its name carries a hash of its bytes). It also carries the Content-Security-Policy that the page was written for: no inline scripts or styles, no eval, no
// other hosts.
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { drawIcon } from './dev/icon.mjs';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const watch = process.argv.includes('--watch');

export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

const options = {
  absWorkingDir: root,
  bundle: true,
  minify: !watch,
  sourcemap: watch ? 'inline' : false,
  target: ['chrome111', 'firefox121', 'safari16.4'],
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  outdir: 'dist/assets',
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
};

async function buildOnce() {
  await rm(dist, { recursive: true, force: true });
  await mkdir(join(dist, 'assets'), { recursive: true });
  const icons = await writeIcons();
  const app = await esbuild.build({
    ...options,
    entryPoints: ['src/main.tsx'],
    format: 'esm',
    splitting: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
  });
  // The theme must be known before the first paint, hence a tiny blocking script of its own.
  const early = await esbuild.build({ ...options, entryPoints: ['src/theme-early.ts'], format: 'iife' });
  await writePage(app.metafile, early.metafile, icons);
  await writeLicences(app.metafile);
  await writeManifest();
}

/** Icons are drawn by code, so that no binary file needs to be kept in the repository. */
async function writeIcons() {
  const names = {};
  const put = async (key, name, bytes) => {
    const file = hashed(name, bytes);
    await writeFile(join(dist, 'assets', file), bytes);
    names[key] = `assets/${file}`;
  };
  await put('svg', 'icon.svg', await readFile(join(root, 'public', 'icon.svg')));
  await put('180', 'icon-180.png', drawIcon(180, { round: false }));
  await put('192', 'icon-192.png', drawIcon(192));
  await put('512', 'icon-512.png', drawIcon(512));
  await put('maskable', 'icon-maskable.png', drawIcon(512, { round: false }));
  const web = {
    name: 'albumen',
    short_name: 'albumen',
    description: 'Your photographs, on your own machine.',
    start_url: '../',
    scope: '../',
    display: 'standalone',
    background_color: '#f7f5f1',
    theme_color: '#f7f5f1',
    icons: [
      { src: basename(names.svg), sizes: 'any', type: 'image/svg+xml' },
      { src: basename(names['192']), sizes: '192x192', type: 'image/png' },
      { src: basename(names['512']), sizes: '512x512', type: 'image/png' },
      { src: basename(names.maskable), sizes: '512x512', type: 'image/png', purpose: 'maskable' },
    ],
  };
  await put('web', 'app.webmanifest', Buffer.from(JSON.stringify(web)));
  return names;
}

function hashed(name, bytes) {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 10);
  const ext = extname(name);
  return `${basename(name, ext)}-${hash}${ext}`;
}

async function writePage(appMeta, earlyMeta, icons) {
  const [mainPath, main] = entryOf(appMeta, 'src/main.tsx');
  const [earlyPath] = entryOf(earlyMeta, 'src/theme-early.ts');
  const preload = main.imports.filter((i) => i.kind === 'import-statement').map((i) => i.path);
  const url = (path) => path.replace(/^dist\//, '');
  const html = (await readFile(join(root, 'src', 'index.html'), 'utf8'))
    .replace('{{early}}', url(earlyPath))
    .replace('{{main}}', url(mainPath))
    .replace('{{css}}', url(main.cssBundle))
    .replace('{{icon.svg}}', icons.svg)
    .replace('{{icon.180}}', icons['180'])
    .replace('{{web}}', icons.web)
    .replace('{{preload}}', preload.map((p) => `<link rel="modulepreload" href="${url(p)}">`).join('\n    '));
  await writeFile(join(dist, 'index.html'), html);
}

function entryOf(meta, entry) {
  const found = Object.entries(meta.outputs).find(([path, o]) => o.entryPoint === entry && path.endsWith('.js'));
  if (!found) throw new Error(`no output for ${entry}`);
  return found;
}

/** The licences of what is in the bundle must travel with it. */
async function writeLicences(meta) {
  const packages = new Set();
  for (const input of Object.keys(meta.inputs)) {
    const m = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (m) packages.add(m[1]);
  }
  let text = 'albumen is under the Apache License 2.0. Its page contains these packages, under the licences that follow.\n';
  for (const name of [...packages].sort()) {
    const dir = join(root, 'node_modules', name);
    const info = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'));
    const file = (await readdir(dir)).find((f) => /^licen[cs]e/i.test(f));
    text += `\n----\n${name} ${info.version} (${info.license ?? 'see below'})\n\n`;
    text += `${(file ? await readFile(join(dir, file), 'utf8') : await licenceInReadme(dir, name)).trim()}\n`;
  }
  await writeFile(join(dist, 'licences.txt'), text);
}

/** Some packages print their licence at the end of their README only. */
async function licenceInReadme(dir, name) {
  const found = /^##\s*licen[cs]e[^\n]*\n([\s\S]*)/im.exec(await readFile(join(dir, 'README.md'), 'utf8'));
  if (!found) throw new Error(`${name} comes without a licence`);
  return found[1].replace(/^###.*\n/gm, '');
}

async function writeManifest() {
  const files = [];
  for (const path of await walk(dist)) {
    const bytes = await readFile(path);
    const name = relative(dist, path).split('\\').join('/');
    const type = types[extname(name)];
    if (!type) throw new Error(`no media type for ${name}`);
    files.push({
      path: name,
      type,
      size: bytes.length,
      immutable: /^assets\/.+-[0-9A-Za-z]{8,10}\.[a-z]+$/.test(name),
    });
  }
  const manifest = { index: 'index.html', contentSecurityPolicy, files };
  await writeFile(join(dist, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

async function walk(dir) {
  const out = [];
  for (const entry of (await readdir(dir, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) out.push(...(await walk(path)));
    else out.push(path);
  }
  return out;
}

async function directories(dir) {
  const out = [dir];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) out.push(...(await directories(join(dir, entry.name))));
  }
  return out;
}

async function watchLoop() {
  const { watch: watchFiles } = await import('node:fs');
  let timer;
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      buildOnce().then(() => console.log('built'), (err) => console.error(String(err)));
    }, 80);
  };
  // Node 18 cannot watch recursively on Linux.
  for (const dir of await directories(join(root, 'src'))) watchFiles(dir, again);
  again();
}

if (watch) {
  await watchLoop();
} else {
  await buildOnce();
  const { files } = JSON.parse(await readFile(join(dist, 'manifest.json'), 'utf8'));
  const script = files.filter((f) => f.path.endsWith('.js'));
  const packed = await Promise.all(script.map(async (f) => gzipSync(await readFile(join(dist, f.path))).length));
  const sum = (list) => Math.round(list.reduce((a, b) => a + b, 0) / 1024);
  console.log(`dist: ${files.length} files, scripts ${sum(script.map((f) => f.size))} KiB (${sum(packed)} KiB packed)`);
}
