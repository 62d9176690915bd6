// SPDX-License-Identifier: Apache-2.0
import { accessibility, assert, shoot, signIn, test } from './lib.mjs';

test('first visit: the set-up link makes the administrator and opens the empty library', { mockOnly: true, mock: { password: null, photos: 0 }, enter: false }, async ({ page, url }) => {
  await page.goto(`${url}/#setup=token`);
  await page.getByLabel('Your name').fill('Ada');
  assert.ok(!page.url().includes('token'), 'the token leaves the address at once');
  assert.equal(await page.getByLabel('Set-up code').count(), 0, 'nobody types what the link carries');
  await page.getByLabel('E-mail').fill('ada@example.org');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByLabel('Password again').fill('correct horsf');
  await page.getByRole('button', { name: 'Create the library' }).click();
  await page.getByText('The two passwords differ.').waitFor();
  await shoot(page, 'setup');
  await accessibility(page);
  await page.getByLabel('Password again').fill('correct horse');
  await page.getByRole('button', { name: 'Create the library' }).click();
  await page.getByText('No photographs yet').waitFor();
  await shoot(page, 'empty');
  await accessibility(page);
});

test('a wrong set-up link is told as such', { mockOnly: true, mock: { password: null, photos: 0 }, enter: false }, async ({ page, url }) => {
  await page.goto(`${url}/#setup=old`);
  await page.getByLabel('Your name').fill('Ada');
  await page.getByLabel('E-mail').fill('ada@example.org');
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.getByLabel('Password again').fill('correct horse');
  await page.getByRole('button', { name: 'Create the library' }).click();
  await page.getByText('This set-up link is not valid').waitFor();
});

test('signing in: refused, let in, remembered, let out', { enter: false }, async ({ page, url }) => {
  await page.goto(`${url}/`);
  await page.getByLabel('Name or e-mail').fill('admin');
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.keyboard.press('Enter');
  await page.getByText('Name or password is not right.').waitFor();
  await shoot(page, 'signin');
  await accessibility(page);
  await signIn(page, url);
  await page.reload();
  await page.locator('.scroller').waitFor();
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  const status = await page.evaluate(async () => (await fetch('api/users/me')).status);
  assert.equal(status, 401);
});

test('a session that ends asks again and loses nothing', { mockOnly: true }, async ({ page, mock }) => {
  await page.locator('.tile').first().waitFor();
  mock.sessions.clear();
  await page.getByRole('link', { name: 'Favourites' }).first().click();
  await page.getByRole('heading', { name: 'Sign in again' }).waitFor();
  await page.getByLabel('Password', { exact: true }).fill('secret');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Favourites' }).waitFor();
  await page.locator('.tile').first().waitFor();
});

test('a page opened while the server is away appears when it is back', { mockOnly: true, enter: false }, async ({ page, url, mock }) => {
  await page.goto(`${url}/`);
  await page.getByLabel('Name or e-mail').waitFor();
  await page.route('**/api/**', (route) => route.abort());
  await page.reload();
  await page.getByText('The server does not answer').waitFor();
  await page.unroute('**/api/**');
  await page.getByLabel('Name or e-mail').waitFor();
  assert.ok(mock);
});
