// SPDX-License-Identifier: Apache-2.0
import { execSync } from 'node:child_process';
import { accessibility, assert, drop, folder, picture, real, shoot, signIn, test, toast, until } from './lib.mjs';

const line = (page, name) => page.locator('.upload', { hasText: name });
const total = (page) => page.evaluate(async () => (await (await fetch('api/assets/statistics')).json()).total);
/** The memory of the page holds so many finished files, and where each unfinished one continues. */
const remembered = (page, finished) =>
  until(
    () =>
      page.evaluate(async (n) => {
        const promised = (request) => new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
        const { name } = (await indexedDB.databases()).find((x) => x.name.startsWith('albumen-uploads-'));
        const db = await promised(indexedDB.open(name));
        const all = await promised(db.transaction('files').objectStore('files').getAll());
        db.close();
        return all.filter((r) => r.assetId).length === n && all.every((r) => r.assetId || r.url);
      }, finished),
    `${finished} finished files are remembered`,
  );
const slow = async (page, bytesPerSecond) => {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond });
  return cdp;
};

test('a folder dropped on the page: progress, errors told per file, photos in the timeline', { photos: 60 }, async ({ t, page }) => {
  const before = await total(page);
  const files = { 'notes.txt': { bytes: Buffer.from('not a picture, but named honestly') }, 'fake.jpg': { bytes: Buffer.from('a text that calls itself a picture') }, 'empty.png': { bytes: Buffer.alloc(0) }, '.DS_Store': { bytes: Buffer.from('x') } };
  for (let i = 0; i < 12; i++) files[`day ${1 + (i % 2)}/IMG_${i}.png`] = { bytes: picture(120, 80), time: Date.now() - i * 60_000 };
  const posts = [];
  page.on('request', (r) => r.method() === 'POST' && r.url().endsWith('/files/') && posts.push(r));
  await drop(page, folder(t, files));
  await page.locator('.uploads.open').waitFor();
  await toast(page, /12 photos added, 3 files failed/).waitFor();
  await page.locator('.uploads-title', { hasText: '3 files failed' }).waitFor();
  await line(page, 'empty.png').getByText('The file is empty.').waitFor();
  assert.equal(await line(page, '.DS_Store').count(), 0);
  await shoot(page, 'uploads');
  await accessibility(page);
  assert.equal(await total(page), before + 12);
  assert.equal(posts.length, 14, 'every file was sent once, the empty one never');
  const month = new Date().toLocaleString('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' });
  await page.locator('.month', { hasText: month }).locator('.tile.shown').first().waitFor();

  await page.getByRole('button', { name: 'Clear errors' }).click();
  assert.equal(await line(page, 'fake.jpg').count(), 0);
  await page.getByRole('button', { name: 'Close the list of uploads' }).click();
  await page.locator('.uploads').waitFor({ state: 'detached' });
});

test('a drop at the first moment of the page is taken', { photos: 0, enter: false }, async ({ page, url }) => {
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('.page')) return;
      observer.disconnect();
      const transfer = new DataTransfer();
      transfer.items.add(new File(['no picture'], 'first.jpg', { lastModified: 1 }));
      dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }).observe(document, { childList: true, subtree: true });
  });
  await signIn(page, url);
  await line(page, 'first.jpg').waitFor();
});

test('the same bytes under another name are here already', { photos: 0 }, async ({ t, page }) => {
  const bytes = picture(100, 100);
  await drop(page, folder(t, { 'a.png': { bytes } }));
  await toast(page, '1 photo added').waitFor();
  await drop(page, folder(t, { 'b.png': { bytes } }));
  await toast(page, '1 photo was here already').waitFor();
  assert.equal(await line(page, 'b.png').getByText('Here already').count(), 1);
});

test('the file button takes files, a second drop of a finished folder asks instead of sending', { photos: 0 }, async ({ t, page }) => {
  const dir = folder(t, { 'one.png': { bytes: picture() }, 'two.png': { bytes: picture() } });
  await page.locator('.bar').getByRole('button', { name: 'Upload' }).click();
  const chooser = page.waitForEvent('filechooser');
  await page.locator('.menu-panel').getByRole('button', { name: 'Choose a folder' }).click();
  await (await chooser).setFiles(dir);
  await toast(page, '2 photos added').waitFor();
  const sent = [];
  page.on('request', (r) => r.url().includes('/files/') && sent.push(r.method()));
  await drop(page, dir);
  await toast(page, '2 photos were here already').waitFor();
  assert.deepEqual(sent, [], 'not one byte was sent again');
});

test('pause, continue, cancel', { photos: 0 }, async ({ t, page }) => {
  const cdp = await slow(page, 300_000);
  await drop(page, folder(t, { 'big.png': { bytes: picture(700, 700, true) }, 'big2.png': { bytes: picture(700, 700, true) } }));
  await line(page, 'big.png').getByText(/ of /).waitFor();
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await page.locator('.uploads-title', { hasText: '2 files paused' }).waitFor();
  await line(page, 'big.png').getByText('Paused at').waitFor();
  const sent = await line(page, 'big.png').locator('small').textContent();
  await page.waitForTimeout(700);
  assert.equal(await line(page, 'big.png').locator('small').textContent(), sent, 'nothing moves while paused');
  const gone = page.waitForRequest((r) => r.method() === 'DELETE' && r.url().includes('/files/'));
  await page.getByRole('button', { name: 'Cancel big2.png' }).click();
  await gone;
  await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await page.locator('.uploads-actions').getByRole('button', { name: 'Continue' }).click();
  await toast(page, '1 photo added').waitFor();
  assert.equal(await total(page), real ? await total(page) : 1);
});

test('a reload in the middle: the unfinished are listed, and continue where they stopped', { photos: 0 }, async ({ t, page }) => {
  const files = {};
  for (let i = 0; i < 6; i++) files[`IMG_${i}.png`] = { bytes: picture(60, 40) };
  files['huge.png'] = { bytes: picture(1500, 1000, true) };
  const dir = folder(t, files);
  await slow(page, 900_000);
  await drop(page, dir);
  await page.waitForFunction(() => {
    const bar = [...document.querySelectorAll('.upload')].find((x) => x.textContent.includes('huge.png'))?.querySelector('progress');
    return bar && bar.value > 1_500_000;
  });
  for (let i = 0; i < 6; i++) await line(page, `IMG_${i}.png`).getByText('Added').waitFor();
  await remembered(page, 6);
  await page.reload();
  await page.locator('.uploads-title', { hasText: '1 file not finished' }).waitFor();
  await page.locator('.uploads-title').click();
  await line(page, 'huge.png').getByText('Drop it again to continue').waitFor();
  await shoot(page, 'unfinished');
  await accessibility(page);

  const requests = [];
  page.on('request', (r) => r.url().includes('/files/') && requests.push({ method: r.method(), offset: Number(r.headers()['upload-offset'] ?? -1) }));
  await drop(page, dir);
  await toast(page, /1 photo added, 6 photos were here already/).waitFor();
  assert.deepEqual(requests.map((r) => r.method), ['HEAD', 'PATCH']);
  assert.ok(requests[1].offset > 500_000, `continued at ${requests[1].offset}`);
  await remembered(page, 7);
  await page.reload();
  await page.locator('.scroller').waitFor();
  await page.waitForTimeout(400);
  assert.equal(await page.locator('.uploads').count(), 0, 'nothing is unfinished any more');
});

test('the server dies in the middle and comes back: every file arrives', { photos: 0, mockOnly: real && !process.env.ALBUMEN_RESTART }, async ({ t, page, mock }) => {
  const files = {};
  for (let i = 0; i < 8; i++) files[`IMG_${i}.png`] = { bytes: picture(500, 400, true) };
  const before = await total(page);
  await slow(page, 1_000_000);
  await drop(page, folder(t, files));
  await page.locator('.upload', { hasText: 'Added' }).first().waitFor();
  if (mock) {
    await mock.down();
    await page.locator('.uploads-note', { hasText: 'Waiting for the server' }).waitFor();
    await page.getByText('The server does not answer').waitFor();
    await shoot(page, 'server-away');
    await accessibility(page);
    await mock.up();
  } else {
    // The daemon takes ALBUMEN_* for options of its own.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ALBUMEN_')));
    execSync(process.env.ALBUMEN_RESTART, { stdio: 'ignore', env });
  }
  await page.waitForFunction(() => document.querySelector('.uploads-title')?.textContent.includes('8 files uploaded'), null, { timeout: 60_000 });
  assert.equal(await total(page), before + 8);
  await page.locator('.banner').waitFor({ state: 'detached' });
});

test('a session that ends in the middle: sign in again, and it goes on', { mockOnly: true, photos: 0 }, async ({ t, page, mock }) => {
  const cdp = await slow(page, 400_000);
  await drop(page, folder(t, { 'a.png': { bytes: picture(500, 400, true) }, 'b.png': { bytes: picture(500, 400, true) }, 'c.png': { bytes: picture(500, 400, true) }, 'd.png': { bytes: picture(500, 400, true) } }));
  await line(page, 'a.png').getByText(/ of /).waitFor();
  mock.sessions.clear();
  await page.getByRole('heading', { name: 'Sign in again' }).waitFor();
  await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await page.getByLabel('Password', { exact: true }).fill('secret');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.uploads-title', { hasText: '4 files uploaded' }).waitFor();
  assert.equal(await total(page), 4);
});

test('a full disk stops the queue with the reason, Continue goes on', { photos: 0 }, async ({ t, page }) => {
  let full = true;
  await page.route('**/files/', (route) => (full ? route.fulfill({ status: 507, headers: { 'tus-resumable': '1.0.0' }, contentType: 'application/json', body: '{"message":"No space left"}' }) : route.continue()));
  await drop(page, folder(t, { 'a.png': { bytes: picture() }, 'b.png': { bytes: picture() } }));
  await page.locator('.uploads-note', { hasText: 'The disk of the server is full' }).waitFor();
  full = false;
  await page.locator('.uploads-actions').getByRole('button', { name: 'Continue' }).click();
  await toast(page, '2 photos added').waitFor();
});

test('ten thousand files cost no more than fifty', { mockOnly: true, photos: 0 }, async ({ page, mock }) => {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('HeapProfiler.enable');
  await cdp.send('Performance.enable');
  const heap = async () => {
    await cdp.send('HeapProfiler.collectGarbage');
    return (await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === 'JSHeapUsedSize').value;
  };
  const before = await heap();
  const most = 10_000;
  await page.evaluate((n) => {
    // A drop of this size from disk would measure the disk.
    const transfer = new DataTransfer();
    for (let i = 0; i < n; i++) transfer.items.add(new File([new Uint8Array(10)], `f${i}.jpg`, { lastModified: i + 1 }));
    globalThis.seen = { lines: 0, most: 0 };
    new MutationObserver((list) => {
      for (const m of list) for (const node of m.addedNodes) if (node.matches?.('.upload')) globalThis.seen.lines++;
      globalThis.seen.most = Math.max(globalThis.seen.most, document.querySelectorAll('.upload').length);
    }).observe(document.body, { subtree: true, childList: true });
    dispatchEvent(Object.assign(new Event('paste'), { clipboardData: transfer }));
  }, most);
  await page.locator('.uploads-title', { hasText: /of 10,000/ }).waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('.upload')].some((x) => /Not a kind|no picture|failed/i.test(x.textContent)));
  const grown = ((await heap()) - before) / most;
  const seen = await page.evaluate(() => globalThis.seen);
  console.log(`# ${grown.toFixed(0)} bytes a file, at most ${seen.most} lines in the document`);
  assert.ok(seen.most < 40, `${seen.most} lines in the document`);
  assert.ok(grown < 3000, `${grown} bytes a file`);
  const open = mock.uploads.size;
  assert.ok(open <= 4, `${open} uploads are open at the server`);
  await page.getByRole('button', { name: 'Cancel all' }).click();
  await page.waitForFunction(() => !document.querySelector('.uploads-title')?.textContent.includes('Uploading'));
  // What was on its way may still land; then nothing more is sent.
  await page.waitForLoadState('networkidle');
  const sent = mock.log.length;
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
  assert.ok(mock.log.slice(sent).every((r) => !r.path.startsWith('/files')), 'after Cancel all nothing is sent');
});

test('a second tab does not call unfinished what the first is sending, and takes it over when that is closed', { photos: 0 }, async ({ t, page, context, url }) => {
  const dir = folder(t, { 'a.png': { bytes: picture(700, 700, true) }, 'b.png': { bytes: picture(700, 700, true) } });
  const before = await total(page);
  await slow(page, 200_000);
  await drop(page, dir);
  await page.waitForFunction(() => [...document.querySelectorAll('.upload progress')].some((bar) => bar.value > 100_000));
  const second = await context.newPage();
  await second.goto(`${url}/`);
  await second.locator('.scroller').waitFor();
  // A question to the other tabs that is asked later is answered later: by then the page has asked its own.
  await second.waitForFunction(() => new Promise((resolve) => setTimeout(() => resolve(true), 1200)));
  assert.equal(await second.locator('.uploads').count(), 0, 'nothing is unfinished: it is being sent');
  await page.close();
  await second.reload();
  await second.locator('.uploads-title', { hasText: '2 files not finished' }).waitFor();
  const methods = [];
  second.on('request', (r) => r.url().includes('/files/') && methods.push(r.method()));
  await drop(second, dir);
  await second.locator('.uploads-title', { hasText: '2 files uploaded' }).waitFor();
  assert.equal(await total(second), before + 2);
  assert.ok(!methods.includes('POST'), `both continued: ${methods}`);
});

test('without a network the queue waits, and goes on by itself', { photos: 0 }, async ({ t, page }) => {
  const cdp = await slow(page, 300_000);
  const online = (on) => cdp.send('Network.emulateNetworkConditions', { offline: !on, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  const files = {};
  for (let i = 0; i < 4; i++) files[`IMG_${i}.png`] = { bytes: picture(400, 300, true) };
  await drop(page, folder(t, files));
  await page.waitForFunction(() => [...document.querySelectorAll('.upload progress')].some((bar) => bar.value > 30_000));
  await online(false);
  await page.locator('.uploads-note', { hasText: 'Waiting for the server' }).waitFor();
  await online(true);
  await page.locator('.uploads-title', { hasText: '4 files uploaded' }).waitFor();
  await page.locator('.banner').waitFor({ state: 'detached' });
});

test('a closed tab: what was called added is there', { photos: 0 }, async ({ t, page, context, url }) => {
  const before = await total(page);
  const files = {};
  for (let i = 0; i < 60; i++) files[`IMG_${i}.png`] = { bytes: picture(120, 90, true) };
  await slow(page, 400_000);
  await drop(page, folder(t, files));
  await page.waitForFunction(() => Number(/Uploading (\d+)/.exec(document.querySelector('.uploads-title')?.textContent ?? '')?.[1] ?? 0) > 12);
  const called = Number(/Uploading (\d+)/.exec(await page.locator('.uploads-title').textContent())[1]) - 1;
  await page.close();
  const later = await context.newPage();
  await later.goto(`${url}/`);
  await later.locator('.scroller').waitFor();
  const there = (await total(later)) - before;
  assert.ok(there >= called, `${called} were called added, ${there} are there`);
});

test('five hundred files in folders with clutter, the server restarts twice, nothing is lost or doubled', { photos: 0, mockOnly: real && !process.env.ALBUMEN_RESTART }, async ({ t, page, mock }) => {
  const before = await total(page);
  const files = { 'notes.txt': { bytes: Buffer.from('words') }, 'a/.DS_Store': { bytes: Buffer.from('x') }, 'a/Thumbs.db': { bytes: Buffer.from('x') }, 'b/empty.jpg': { bytes: Buffer.alloc(0) } };
  for (let i = 0; i < 490; i++) files[`${'abcde'[i % 5]}/deep/er/IMG_${i}.png`] = { bytes: picture(30, 20, true) };
  const twins = Object.entries(files).filter(([name]) => /IMG_1\d\.png/.test(name));
  for (const [name, f] of twins) files[`copies/${name.split('/').pop()}`] = f;
  await drop(page, folder(t, files));
  for (const n of [60, 200]) {
    await page.waitForFunction((least) => Number(/Uploading (\d+)/.exec(document.querySelector('.uploads-title')?.textContent ?? '')?.[1] ?? 0) > least, n, { timeout: 60_000 });
    if (mock) {
      await mock.down();
      await page.locator('.uploads-note', { hasText: 'Waiting for the server' }).waitFor();
      await mock.up();
    } else {
      const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ALBUMEN_')));
      execSync(process.env.ALBUMEN_RESTART, { stdio: 'ignore', env });
    }
  }
  await page.locator('.uploads-title', { hasText: '2 files failed' }).waitFor({ timeout: 90_000 });
  assert.equal(await total(page), before + 490);
});
