// SPDX-License-Identifier: Apache-2.0
//
// The administrator's page of the caches, and the sign of damage on photos.
import { accessibility, assert, ensurePhotos, shoot, test, toast } from './lib.mjs';

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

async function open(page) {
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('link', { name: 'Cache' }).click();
  await page.getByRole('heading', { name: 'Cache', exact: true }).waitFor();
  await page.locator('[data-number=rate]').waitFor();
}

/** Resolves when the page has asked for its numbers once more. */
const asked = (page) => page.waitForResponse((r) => r.url().endsWith('/cache/stats'));

test('the cache in numbers: from the menu, live, quiet while it is hidden or paused', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await open(page);
  assert.match(page.url(), /#\/cache$/);
  assert.equal(await page.title(), 'Cache · albumen');
  assert.match(await page.locator('[data-number=rate]').textContent(), /^(–|<?\d+(\.\d)?%)$/);
  const meter = page.getByRole('meter', { name: 'Disk space of the cache' });
  assert.match(await meter.getAttribute('aria-valuetext'), /^[\d.]+ (bytes|kB|MB|GB) of [\d.]+ (MB|GB|TB)$/);
  for (const id of ['evicted', 'expired', 'corrupt', 'refused']) assert.match(await page.locator(`[data-number=${id}]`).textContent(), /^[\d,]+$/);
  await page.getByRole('heading', { name: 'The disk is well' }).waitFor();
  await page.getByRole('table', { name: 'By door and format' }).waitFor();
  await page.getByRole('table', { name: 'Top sources' }).waitFor();
  await shoot(page, 'cache');
  await accessibility(page);

  // It goes on by itself, and the very same elements show the new numbers.
  await page.evaluate(() => (document.querySelector('[data-number=rate]').mine = true));
  await asked(page);
  await asked(page);
  assert.equal(await page.evaluate(() => document.querySelector('[data-number=rate]').mine), true, 'nothing is drawn anew');

  // Counted in the page itself, in the moment in which it asks.
  await page.evaluate(() => {
    const ask = window.fetch;
    window.questions = 0;
    window.fetch = (...args) => {
      window.questions += String(args[0]).endsWith('/cache/stats');
      return ask(...args);
    };
  });
  const questions = () => page.evaluate(() => window.questions);
  const hide = (hidden) =>
    page.evaluate((h) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => h });
      document.dispatchEvent(new Event('visibilitychange'));
      return window.questions;
    }, hidden);
  const before = await hide(true);
  await page.waitForTimeout(2500); // longer than it rests
  assert.equal(await questions(), before, 'nobody asks while nobody looks');
  const shown = asked(page);
  await hide(false);
  await shown;

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Paused.').waitFor();
  const still = await questions();
  await page.waitForTimeout(2500);
  assert.equal(await questions(), still);
  const again = asked(page);
  await page.getByRole('button', { name: 'Go on' }).click();
  await again;

  // Leaving ends it; Back comes to the photos.
  await page.goBack();
  await page.locator('.tile.shown').first().waitFor();
  const left = await questions();
  await page.waitForTimeout(2500);
  assert.equal(await questions(), left);
});

test('a purge: what is wrong is told, the question names what goes, the result is shown', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const id = await page.locator('.tile').first().getAttribute('data-id');
  await open(page);
  const field = page.locator('.purge-line input');
  await page.getByRole('button', { name: 'Remove…', exact: true }).click();
  await page.getByText('Write what is to be removed.').waitFor();
  assert.equal(await field.evaluate((el) => el === document.activeElement), true, 'the focus is where something is missing');
  await field.fill('holiday.jpg');
  await page.keyboard.press('Enter');
  await page.getByText('A source begins with').waitFor();
  await accessibility(page);

  // By keyboard alone: kind by arrows, text, Enter, the question has the focus on Cancel.
  await page.getByLabel('One photo or source').first().focus();
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.getByLabel('Sources that begin with').first().isChecked(), true);
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.type(id);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText(`All pictures made of asset://${id} are removed from the cache, in every size and format.`).waitFor();
  await shoot(page, 'cache-question');
  const purges = [];
  page.on('request', (r) => r.method() === 'POST' && r.url().includes('/cache/purge') && purges.push(r.url()));
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(purges, [], 'Cancel is what Enter means');
  await page.getByRole('button', { name: 'Remove…', exact: true }).click();
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  const table = page.getByRole('table', { name: 'Recent purges' });
  const row = table.getByRole('row', { name: new RegExp(`${id.slice(0, 8)}….*admin`) }).first();
  await row.waitFor();
  await toast(page, /One photo or source: (\d+ files? removed|nothing was there)\./).waitFor();
  await row.getByText(/files? removed|nothing was there/).waitFor();
  assert.equal(await field.inputValue(), '');
  assert.equal(purges.length, 1);
  assert.equal(new URL(purges[0]).searchParams.get('source'), `asset://${id}`);

  // What the server refuses is told where it was written.
  await page.getByLabel('One picture by its URL').first().check();
  await field.fill('/nothing');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.locator('.purge .form-error', { hasText: 'no URL of a picture' }).waitFor();
});

test('a purge from the list of top sources, which stands still under the pointer', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await open(page);
  const table = page.getByRole('table', { name: 'Top sources' });
  const button = table.getByRole('button', { name: /^Remove the pictures of / }).first();
  await button.focus();
  const order = () => table.locator('tbody th').evaluateAll((list) => list.map((x) => x.title));
  const before = await order();
  await asked(page);
  await asked(page);
  const after = await order();
  assert.deepEqual(after.filter((x) => before.includes(x)), before.filter((x) => after.includes(x)));
  assert.equal(await button.evaluate((el) => el === document.activeElement), true, 'the focus stays');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByText('All pictures made of asset://').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('who is no administrator sees no link and is told whose page it is', { mockOnly: true, mock: { admin: false } }, async ({ page, url, problems }) => {
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Cache' }).count(), 0);
  const questions = [];
  page.on('request', (r) => r.url().includes('/cache/') && questions.push(r.url()));
  await page.goto(`${url}/#/cache`);
  await page.getByRole('heading', { name: 'For administrators only' }).waitFor();
  await accessibility(page);
  assert.deepEqual(questions, []);
  await page.getByRole('button', { name: 'To the photos' }).click();
  await page.locator('.tile').first().waitFor();
  assert.deepEqual(problems, []);
});

test('who was an administrator until now is refused by the server, in the same words', { mockOnly: true }, async ({ page, mock }) => {
  await open(page);
  mock.cache.admin = false;
  await page.getByRole('heading', { name: 'For administrators only' }).waitFor();
});

test('a disk in trouble is told, and that it is well again', { mockOnly: true }, async ({ page, mock }) => {
  mock.cache.fault = { folder: 'cache', doing: 'write', error: 'No space left on device', sinceMs: Date.now() - 300_000 };
  await open(page);
  await page.getByRole('heading', { name: 'A disk is in trouble' }).waitFor();
  await page.getByText('The cache of pictures cannot be written to: No space left on device, for 5 minutes.').waitFor();
  await shoot(page, 'cache-trouble');
  await accessibility(page);
  mock.cache.fault = null;
  await page.getByRole('heading', { name: 'The disk is well' }).waitFor();
});

test('a server that goes away and comes back: the old numbers stay, new ones come', { mockOnly: true }, async ({ page, mock }) => {
  await open(page);
  await page.route('**/cache/stats', (route) => route.abort());
  await page.getByText('The numbers could not be had.').waitFor();
  assert.match(await page.locator('[data-number=rate]').textContent(), /%$/);
  await page.unroute('**/cache/stats');
  await page.getByText('The numbers could not be had.').waitFor({ state: 'detached' });
  assert.ok(mock);
});

test('the cache on a phone: nothing sticks out', { photos: 400, context: phone }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await open(page);
  await page.getByRole('table', { name: 'Top sources' }).waitFor();
  const wide = await page.evaluate(() => {
    const sheet = document.querySelector('.cache');
    const out = [...sheet.querySelectorAll('*')].filter((el) => el.getBoundingClientRect().right > innerWidth + 0.5).map((el) => el.className || el.tagName);
    return { out, scroll: sheet.scrollWidth - sheet.clientWidth };
  });
  assert.deepEqual(wide, { out: [], scroll: 0 });
  await shoot(page, 'cache-phone');
  await accessibility(page);
});

test('damaged photos say so: in the grid, in the viewer, and what can be done', { mockOnly: true, photos: 400, mock: { damaged: 5 } }, async ({ page, mock }) => {
  await page.locator('.tile.shown').first().waitFor();
  const damaged = page.locator('.tile:has(.tile-damaged)');
  await damaged.first().waitFor();
  assert.match(await damaged.first().locator('.tile-open').getAttribute('aria-label'), /, damaged$/);
  assert.ok((await page.locator('.tile:not(:has(.tile-damaged))').count()) > 0);
  await shoot(page, 'damaged-grid');
  await accessibility(page);
  const texts = { true: 'Upload the same file again', false: 'It came like this' };
  const met = new Set();
  for (const id of (await damaged.evaluateAll((list) => list.map((x) => x.dataset.id))).slice(0, 4)) {
    const original = mock.library.detail(mock.library.find(id)).isOriginalDamaged;
    if (met.has(original)) continue;
    met.add(original);
    await page.goto(`${mock.url}/#/photo/${id}`);
    await page.getByRole('button', { name: 'Damaged: what that means' }).click();
    await page.getByRole('region', { name: 'Damage' }).getByText(texts[original]).waitFor();
    await shoot(page, `damaged-viewer-${original}`);
    await accessibility(page);
    await page.keyboard.press('i');
    await page.keyboard.press('Escape');
    await page.locator('.pswp').waitFor({ state: 'detached' });
  }
  assert.equal(met.size, 2);
  const good = await page.locator('.tile:not(:has(.tile-damaged))').first().getAttribute('data-id');
  await page.goto(`${mock.url}/#/photo/${good}`);
  await page.locator('.viewer-bar').waitFor();
  assert.equal(await page.locator('.viewer-damaged').count(), 0);
});
