// SPDX-License-Identifier: Apache-2.0
import { accessibility, assert, ensurePhotos, shoot, test, toast, until } from './lib.mjs';

const ids = (page) => page.$$eval('.tile', (tiles) => tiles.map((x) => x.dataset.id));
const bar = (page, text) => page.locator('.bar.selection', { hasText: text });

test('select by mouse: tick, click, range with Shift, a whole day', { photos: 2000 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await page.locator('.tile').nth(1).hover();
  await page.locator('.tile').nth(1).locator('.tile-tick').click();
  await bar(page, '1 selected').waitFor();
  await page.locator('.tile').nth(3).click();
  await bar(page, '2 selected').waitFor();
  await page.locator('.tile').nth(6).click({ modifiers: ['Shift'] });
  await bar(page, '5 selected').waitFor();
  await shoot(page, 'selection');
  await accessibility(page);
  await page.keyboard.press('Escape');
  assert.equal(await bar(page, '').count(), 0);
  await page.locator('.day').first().click();
  await page.locator('.bar.selection').waitFor();
  const chosen = await page.locator('.tile.selected').count();
  assert.ok(chosen >= 1);
  await page.locator('.day').first().click();
  assert.equal(await page.locator('.tile.selected').count(), 0);
});

test('select by keyboard: arrows move, Space selects, Shift extends, f and Delete act', { photos: 2000 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const list = await ids(page);
  await page.locator('.scroller').focus();
  const at = (id) => page.waitForFunction((want) => document.activeElement.closest('.tile')?.dataset.id === want, id);
  await page.keyboard.press('ArrowRight');
  await at(list[0]);
  await page.keyboard.press('ArrowRight');
  await at(list[1]);
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction((id) => document.activeElement.closest('.tile')?.dataset.id !== id, list[1]);
  await page.keyboard.press('ArrowUp');
  await page.waitForFunction((first) => first.includes(document.activeElement.closest('.tile')?.dataset.id), list.slice(0, 4)); // up: back to the first row
  await page.locator(`.tile[data-id="${list[1]}"] .tile-open`).focus();
  await page.keyboard.press(' ');
  await bar(page, '1 selected').waitFor();
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowRight');
  await bar(page, '3 selected').waitFor();
  await page.keyboard.press('Delete');
  await toast(page, '3 photos moved to the trash').waitFor();
  for (const id of list.slice(1, 4)) assert.equal(await page.locator(`.tile[data-id="${id}"]`).count(), 0);
  await page.keyboard.press('Control+z');
  for (const id of list.slice(1, 4)) await page.locator(`.tile[data-id="${id}"]`).waitFor();
});

test('favourite, find it among the favourites, take it back', { photos: 600 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const plain = page.locator('.tile:not(:has(.tile-heart))').first();
  const id = await plain.getAttribute('data-id');
  await plain.hover();
  await plain.locator('.tile-tick').click();
  await page.getByRole('button', { name: 'Favourite' }).click();
  await page.locator(`.tile[data-id="${id}"] .tile-heart`).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Favourites' }).first().click();
  const there = page.locator(`.tile[data-id="${id}"]`);
  await there.waitFor();
  await page.locator('.tile.shown').first().waitFor();
  await shoot(page, 'favourites');
  await accessibility(page);
  await there.hover();
  await there.locator('.tile-tick').click();
  await page.getByRole('button', { name: 'Not a favourite' }).click();
  await there.waitFor({ state: 'detached' });
  await toast(page, 'removed from favourites').waitFor();
});

test('trash: restore one, delete one for good, empty after asking', { photos: 600 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const list = (await ids(page)).slice(0, 4);
  await page.locator('.tile').nth(0).hover();
  await page.locator('.tile').nth(0).locator('.tile-tick').click();
  await page.locator('.tile').nth(3).click({ modifiers: ['Shift'] });
  await bar(page, '4 selected').waitFor();
  await page.getByRole('button', { name: 'Trash' }).click();
  await toast(page, '4 photos moved').waitFor();
  await page.getByRole('link', { name: 'Trash' }).first().click();
  await page.locator(`.tile[data-id="${list[3]}"]`).waitFor();
  await shoot(page, 'trash');
  await accessibility(page);

  await page.locator(`.tile[data-id="${list[0]}"]`).hover();
  await page.locator(`.tile[data-id="${list[0]}"] .tile-tick`).click();
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.locator(`.tile[data-id="${list[0]}"]`).waitFor({ state: 'detached' });

  await page.locator(`.tile[data-id="${list[1]}"]`).hover();
  await page.locator(`.tile[data-id="${list[1]}"] .tile-tick`).click();
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByRole('heading', { name: 'Delete this photo for good?' }).waitFor();
  await shoot(page, 'confirm');
  await page.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.locator(`.tile[data-id="${list[1]}"]`).count(), 1, 'Cancel deletes nothing');
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.locator(`.tile[data-id="${list[1]}"]`).waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Empty trash' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Empty trash' }).click();
  await page.getByRole('heading', { name: 'The trash is empty' }).waitFor();
  await page.getByRole('link', { name: 'Photos' }).first().click();
  await page.locator(`.tile[data-id="${list[0]}"]`).waitFor();
  for (const id of list.slice(1)) assert.equal(await page.locator(`.tile[data-id="${id}"]`).count(), 0);
});

test('download: the original, under its name', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await page.locator('.tile').nth(0).hover();
  await page.locator('.tile').nth(0).locator('.tile-tick').click();
  await page.locator('.tile').nth(1).click();
  const names = [];
  page.on('download', (d) => names.push(d.suggestedFilename()));
  await page.getByRole('button', { name: 'Download' }).click();
  await until(() => names.length >= 2, 'both are downloaded');
  assert.equal(names.length, 2);
  assert.ok(names.every((n) => /\.\w+$/.test(n)), names.join());
});

test('a refusal by the server is told, and the photo comes back', { photos: 400 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const id = (await ids(page))[0];
  await page.route('**/api/assets', (route) => (route.request().method() === 'DELETE' ? route.fulfill({ status: 403, contentType: 'application/json', body: '{"message":"Not yours"}' }) : route.continue()));
  await page.locator(`.tile[data-id="${id}"] .tile-open`).focus();
  await page.keyboard.press('Delete');
  await toast(page, 'Not yours').waitFor();
  await page.locator(`.tile[data-id="${id}"]`).waitFor();
});
