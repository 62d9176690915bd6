// SPDX-License-Identifier: Apache-2.0
//
// What the browser tests share: a server, a browser, and hands.
//
// The server is the one that ALBUMEN_URL names (with ALBUMEN_USER and ALBUMEN_PASSWORD), or else the mock of web/dev. Tests
// bring the photos they need, so that they run against an empty daemon as well. What only the mock can show (a hundred
// thousand photos, first set-up, a server that dies on command) is marked `mockOnly`.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as nodeTest } from 'node:test';
import { encodePng } from '../../web/dev/png.mjs';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const real = process.env.ALBUMEN_URL !== undefined;
const account = { user: process.env.ALBUMEN_USER ?? 'admin', password: process.env.ALBUMEN_PASSWORD ?? 'secret' };
const shots = process.env.ALBUMEN_SHOTS;
const patience = Number(process.env.ALBUMEN_PATIENCE ?? 15000);

let browser = null;

export async function startMock(options) {
  const mock = await import('../../web/dev/mock.mjs');
  return mock.startMock(options);
}

async function launch() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--force-color-profile=srgb', '--font-render-hinting=none',
    ],
  });
  return browser;
}

export async function closeBrowser() {
  await browser?.close();
  browser = null;
}

/**
 * One test, one fresh browser context. `run` gets { page, url, mock, context, problems }.
 * @param {{photos?: number, mockOnly?: boolean, mock?: object, context?: object, enter?: boolean}} options
 */
export function test(name, options, run) {
  const skip = real && options.mockOnly ? 'needs the mock' : false;
  nodeTest(name, { skip, timeout: 300_000 }, async (t) => {
    const mock = real ? null : await startMock({ photos: options.photos ?? 400, ...options.mock });
    const url = real ? process.env.ALBUMEN_URL.replace(/\/$/, '') : mock.url;
    const context = await (await launch()).newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options.context });
    context.setDefaultTimeout(patience);
    const problems = [];
    const page = await context.newPage();
    watch(page, problems);
    try {
      if (options.enter !== false) await signIn(page, url);
      await run({ t, page, url, mock, context, problems });
      assert.deepEqual(problems, [], 'the page ran without errors and within its content security policy');
    } catch (err) {
      if (shots) await page.screenshot({ path: join(shots, `failed-${name.replace(/\W+/g, '-')}.png`) }).catch(() => {});
      throw err;
    } finally {
      await context.close();
      await mock?.close();
    }
  });
}

/** Errors of scripts and violations of the policy are failures; requests that fail on purpose are not. */
export function watch(page, problems) {
  page.on('pageerror', (err) => problems.push(String(err.stack ?? err)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|net::ERR_/.test(message.text())) problems.push(message.text());
  });
}

export async function signIn(page, url, who = account) {
  await page.goto(`${url}/`);
  await page.getByLabel('Name or e-mail').fill(who.user);
  await page.getByLabel('Password', { exact: true }).fill(who.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.scroller').waitFor();
}

/** Nothing is on its way from one look to another any more. */
async function still(page) {
  await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame();
    await frame();
    await Promise.all(document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity).map((a) => a.finished.catch(() => {})));
  });
}

export async function shoot(page, name) {
  if (!shots) return;
  await still(page);
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`) });
}

// ---- photos to upload

let serial = Math.floor(Math.random() * 1e9);

/** A small picture that no library has yet. Its bytes are mostly noise if `bytes` asks for many. */
export function picture(width = 90, height = 60, noise = false) {
  const n = ++serial;
  const pixels = new Uint8Array(width * height * 3);
  let s = n >>> 0 || 1;
  for (let i = 0; i < pixels.length; i++) {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    const x = (Math.floor(i / 3) % width) / width;
    pixels[i] = noise ? s & 255 : ((((n >> ((i % 3) * 4)) & 15) * 16 + x * 80) | 0) & 255;
  }
  for (let k = 0; k < 4; k++) pixels[k] = (n >> (k * 8)) & 255;
  return encodePng(width, height, pixels, 3, noise ? 0 : 6);
}

/** A folder with files in it; removed when the test ends. */
export function folder(t, files) {
  const root = mkdtempSync(join(tmpdir(), 'albumen-browser-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, 'journey');
  for (const [name, { bytes, time }] of Object.entries(files)) {
    const path = join(dir, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, bytes);
    if (time) utimesSync(path, time / 1000, time / 1000);
  }
  return dir;
}

/** Drops real files or folders as a file manager does. */
export async function drop(page, ...paths) {
  const cdp = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) await cdp.send('Input.dispatchDragEvent', { type, x: 500, y: 400, data });
  await cdp.detach();
}

/** Sees to it that there are photos to work with, on an empty daemon too. */
export async function ensurePhotos(t, page, n = 24) {
  const count = () => page.evaluate(async () => (await (await fetch('api/assets/statistics')).json()).total);
  const total = await count();
  if (total >= n) {
    await page.locator('.tile.shown').first().waitFor();
    return;
  }
  const files = {};
  const shapes = [[90, 60], [60, 90], [80, 80], [160, 90]];
  for (let i = total; i < n; i++) files[`p${i}.png`] = { bytes: picture(...shapes[i % 4]), time: Date.UTC(2024, 2 + (i % 3), 3 + (i % 9), 9, i) };
  await drop(page, folder(t, files));
  await until(async () => (await count()) >= n, 'the photos for the test arrive');
  await page.reload();
  await page.locator('.tile.shown').first().waitFor();
}

/** For what does not show on the page itself. */
export async function until(condition, what) {
  const end = Date.now() + Math.max(patience, 60_000);
  while (!(await condition())) {
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The lightbox has come to the end of its opening: PhotoSwipe shows the places of the neighbours then, and not before. */
export async function opened(page) {
  await page.locator('.viewer-bar').waitFor();
  await page.waitForFunction(() => {
    const places = [...document.querySelectorAll('.pswp__item')];
    return places.length === 3 && places.every((x) => x.style.display === 'block');
  });
}

export const toast = (page, text) => page.locator('.toast', { hasText: text });

/** Whatever axe-core finds, in light and in dark. */
export async function accessibility(page) {
  // The policy of the page allows no foreign script; the protocol of the browser may run one all the same.
  await page.evaluate(axe);
  for (const colorScheme of ['light', 'dark']) {
    // Colours must not be measured on their way from one scheme to the other.
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await still(page);
    const found = await page.evaluate(async () => {
      const result = await globalThis.axe.run(document, { resultTypes: ['violations'] });
      return result.violations.map((v) => `${v.id} (${v.impact}): ${v.help}: ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} (${n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? ''})`).join('; ')}`);
    });
    assert.deepEqual(found, [], `in ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

export { assert };
