// SPDX-License-Identifier: Apache-2.0
import { accessibility, assert, ensurePhotos, opened, shoot, test, toast } from './lib.mjs';

const shownId = (page) => page.evaluate(() => /photo\/([\w-]+)/.exec(location.hash)?.[1] ?? null);

async function open(page, nth) {
  const tile = page.locator('.tile').nth(nth);
  const id = await tile.getAttribute('data-id');
  await tile.locator('.tile-open').click();
  await opened(page);
  return id;
}

test('the lightbox by keyboard: arrows, details, favourite, back', { photos: 5000 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const ids = await page.$$eval('.tile', (tiles) => tiles.map((x) => x.dataset.id));
  const first = await open(page, 1);
  assert.equal(await shownId(page), first);
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction((id) => location.hash.includes(id), ids[2]);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction((id) => location.hash.includes(id), ids[0]);
  assert.equal(await page.getByRole('button', { name: /^Previous photo/ }).count(), 0, 'there is nothing before the first');

  await page.keyboard.press('i');
  await page.getByRole('heading', { name: 'Details' }).waitFor();
  await page.locator('.info-file').waitFor();
  await shoot(page, 'viewer-details');
  await accessibility(page);

  const heart = page.getByRole('button', { name: /favourite/i });
  const was = await heart.getAttribute('aria-pressed');
  await page.keyboard.press('f');
  await page.waitForFunction((w) => document.querySelector('.viewer-bar [aria-label*="avourite"]').getAttribute('aria-pressed') !== w, was);
  await page.keyboard.press('f');
  await page.waitForFunction((w) => document.querySelector('.viewer-bar [aria-label*="avourite"]').getAttribute('aria-pressed') === w, was);

  await page.keyboard.press('Escape');
  await page.locator('.pswp').waitFor({ state: 'detached' });
  assert.equal(await shownId(page), null);
  const focused = await page.evaluate(() => document.activeElement.closest('.tile')?.dataset.id);
  assert.equal(focused, ids[0], 'the focus is on the photo that was shown last');
});

test('two presses in a row are two, however slow the server is', { photos: 400, mockOnly: true, mock: { latency: 300 } }, async ({ page }) => {
  const sent = [];
  page.on('request', (r) => r.method() === 'PUT' && sent.push(JSON.parse(r.postData()).isFavorite));
  await page.locator('.tile.shown').first().waitFor();
  await open(page, 1);
  const heart = page.getByRole('button', { name: /favourite/i });
  const was = (await heart.getAttribute('aria-pressed')) === 'true';
  await page.keyboard.press('f');
  await page.keyboard.press('f');
  await page.keyboard.press('f');
  await page.waitForFunction((w) => document.querySelector('.viewer-bar [aria-label*="avourite"]').getAttribute('aria-pressed') === String(!w), was);
  await page.waitForRequest((r) => r.method() === 'PUT' && sent.length === 3);
  assert.deepEqual(sent, [!was, was, !was], 'and they reach the server in their order');
});

test('words and stars are kept', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await open(page, 3);
  await page.keyboard.press('i');
  const text = `The harbour, ${Date.now()}`;
  const area = page.getByLabel('Description');
  await area.fill(text);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('f');
  assert.equal(await area.inputValue().then((v) => v.length > text.length), true, 'keys belong to the field while one writes');
  await area.fill(text);
  await area.press('Enter');
  await page.getByText('Saved', { exact: true }).waitFor();
  const kept = page.waitForResponse((answer) => answer.request().method() === 'PUT' && answer.ok());
  await page.getByRole('button', { name: '4 stars' }).click();
  await kept;
  await page.reload();
  await page.locator('.viewer-bar').waitFor();
  await page.waitForFunction((want) => document.querySelector('.info textarea')?.value === want, text);
  assert.equal(await page.getByRole('button', { name: '4 stars' }).getAttribute('aria-pressed'), 'true');
});

test('throwing away from the lightbox shows the next photo, and Undo brings it back', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const ids = await page.$$eval('.tile', (tiles) => tiles.map((x) => x.dataset.id));
  await open(page, 2);
  await page.keyboard.press('Delete');
  await toast(page, '1 photo moved to the trash').waitFor();
  await page.waitForFunction((id) => location.hash.includes(id), ids[3]);
  assert.equal(await page.locator(`.tile[data-id="${ids[2]}"]`).count(), 0);
  await page.waitForFunction((id) => document.querySelector('.pswp__item[aria-hidden="false"] img.pswp__img:not(.pswp__img--placeholder)')?.src.includes(id), ids[3]);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.locator(`.tile[data-id="${ids[2]}"]`).waitFor({ state: 'attached' });
  assert.equal(await shownId(page), ids[3], 'the photo on show stays on show');
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction((id) => location.hash.includes(id), ids[2]);
});

test('from the first photo to the last of a hundred thousand', { mockOnly: true, photos: 100_000 }, async ({ page }) => {
  await page.locator('.tile.shown').first().waitFor();
  await open(page, 0);
  await page.keyboard.press('End');
  await page.locator('.viewer-count', { hasText: '100,000 / 100,000' }).waitFor();
  await page.waitForFunction(() => {
    const img = document.querySelector('.pswp__item[aria-hidden="false"] img.pswp__img:not(.pswp__img--placeholder)');
    return img?.complete && img.naturalWidth > 0;
  });
  await page.keyboard.press('Escape');
  await page.locator('.pswp').waitFor({ state: 'detached' });
  await page.getByText(/photographs since/).waitFor();
});

test('an address with a photo opens it; Back leaves the site, Escape the photo', { photos: 2000 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const id = await page.locator('.tile').nth(4).getAttribute('data-id');
  await page.goto(`${page.url().split('#')[0]}#/photo/${id}`);
  await page.reload();
  await opened(page);
  assert.equal(await shownId(page), id);
  await page.keyboard.press('Escape');
  await page.locator('.pswp').waitFor({ state: 'detached' });
  await page.locator('.tile').first().waitFor();
});

test('a photo opened while another one is closing is opened', { photos: 2000 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await open(page, 1);
  const id = await page.locator('.tile').nth(3).getAttribute('data-id');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !location.hash.includes('photo'));
  await page.evaluate((to) => (location.hash = `#/photo/${to}`), id);
  await page.waitForFunction((to) => document.querySelector('.pswp__item[aria-hidden="false"] img')?.src.includes(to) && document.querySelectorAll('.pswp').length === 1, id);
});

test('delete for good from the lightbox asks first, and the question has the keyboard', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await page.locator('.tile-open').nth(0).focus();
  await page.keyboard.press('Delete');
  await toast(page, 'moved to the trash').waitFor();
  await page.getByRole('link', { name: 'Trash' }).first().click();
  await page.locator('.tile.shown').first().waitFor();
  await open(page, 0);
  await page.keyboard.press('Delete');
  await page.getByRole('heading', { name: 'Delete this photo for good?' }).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => document.activeElement.closest('dialog') !== null), 'the focus stays in the question');
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'Delete this photo for good?' }).waitFor({ state: 'detached' });
  assert.ok(await page.locator('.viewer-bar').isVisible(), 'Escape closed the question, not the photo');
  await page.keyboard.press('r');
  await toast(page, '1 photo restored').waitFor();
});

test('zoomed in far, the full size is fetched', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await open(page, 1);
  const full = page.waitForRequest(/size=fullsize/);
  await page.keyboard.press('z');
  await full;
});

test('a picture that cannot be had says so', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await page.route('**/thumbnail?size=preview', (route) => route.fulfill({ status: 422, contentType: 'application/json', body: '{"message":"damaged"}' }));
  await open(page, 1);
  await page.getByText('This picture could not be shown.').first().waitFor();
});
