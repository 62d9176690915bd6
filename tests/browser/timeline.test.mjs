// SPDX-License-Identifier: Apache-2.0
import { accessibility, assert, ensurePhotos, opened, shoot, signIn, test } from './lib.mjs';

const many = 100_000;

/** Goes to a place; every photo that is to be seen there is shown. */
async function scrollTo(page, top) {
  await page.evaluate(async (y) => {
    document.querySelector('.scroller').scrollTop = y;
    for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
  }, top);
  await page.waitForFunction(() => {
    const seen = [...document.querySelectorAll('.tile')].filter((x) => x.getBoundingClientRect().bottom > 0 && x.getBoundingClientRect().top < innerHeight);
    return seen.length > 0 && seen.every((x) => x.classList.contains('shown'));
  });
}

/**
 * Counts what a scroll costs. Counts, not times: they are the same on a machine that others use as well. The page must touch
 * what comes and goes and nothing else, must not make the browser lay out twice for a frame, and must not ask for pictures
 * that nobody can see.
 */
async function watchWork(page) {
  await page.addInitScript(() => {
    const work = { reads: 0, scrolls: 0, made: 0, ids: new Set(), most: 0, touched: 0, months: 0 };
    globalThis.work = work;
    // What makes the browser lay out at once. scrollTop is not among them: each scroll step has to read it.
    const count = (object, name) => {
      const d = Object.getOwnPropertyDescriptor(object, name);
      Object.defineProperty(object, name, d.get ? { ...d, get() { work.reads++; return d.get.call(this); } } : { ...d, value(...args) { work.reads++; return d.value.apply(this, args); } });
    };
    for (const name of ['clientWidth', 'clientHeight', 'scrollHeight', 'getBoundingClientRect']) count(Element.prototype, name);
    for (const name of ['offsetWidth', 'offsetHeight', 'offsetTop', 'innerText']) count(HTMLElement.prototype, name);
    count(globalThis, 'getComputedStyle');
    addEventListener('scroll', () => work.scrolls++, { capture: true, passive: true });
    const born = new WeakSet();
    new MutationObserver((list) => {
      for (const m of list) {
        if (m.type === 'attributes' && m.target.matches?.('.tile')) {
          // Its own picture arriving is one change; anything else would be the grid redrawing what stays.
          if (m.attributeName !== 'class') work.touched++;
          continue;
        }
        for (const node of m.addedNodes) {
          for (const tile of node.matches?.('.tile') ? [node] : (node.querySelectorAll?.('.tile') ?? [])) {
            if (born.has(tile)) continue;
            born.add(tile);
            work.made++;
            work.ids.add(tile.dataset.id);
          }
          if (node.matches?.('.month')) work.months++;
        }
      }
      work.most = Math.max(work.most, document.getElementsByTagName('*').length);
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
}

async function costOf(page, cdp, mock, move) {
  const layouts = async () => (await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === 'LayoutCount').value;
  await page.evaluate(() => {
    Object.assign(globalThis.work, { reads: 0, scrolls: 0, made: 0, ids: new Set(), most: 0, touched: 0, months: 0 });
    globalThis.frames = 0;
    const on = (globalThis.counting = {});
    const tick = () => {
      globalThis.frames++;
      if (globalThis.counting === on) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  const before = await layouts();
  const logged = mock.log.length;
  await move();
  const work = await page.evaluate(() => {
    globalThis.counting = null;
    const { ids, ...rest } = globalThis.work;
    return { ...rest, different: ids.size, frames: globalThis.frames };
  });
  const asked = mock.log.slice(logged);
  return { ...work, layouts: (await layouts()) - before, buckets: asked.filter((r) => r.path === '/api/timeline/bucket').length, pictures: asked.filter((r) => r.path.endsWith('/thumbnail')).length };
}

const say = (name, w) =>
  console.log(`# ${name}: ${w.scrolls} scroll steps in ${w.frames} frames, ${w.layouts} layouts, ${w.reads} forced reads, ${w.made} tiles made, ${w.months} months, ${w.buckets} lists and ${w.pictures} pictures asked for, at most ${w.most} elements`);

test('a hundred thousand photos: a scroll step costs what comes and goes, whatever the size of the library', { mockOnly: true, photos: many, enter: false }, async ({ page, url, mock }) => {
  await watchWork(page);
  await signIn(page, url);
  await page.locator('.tile.shown').first().waitFor();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const scroll = (yDistance, speed) => cdp.send('Input.synthesizeScrollGesture', { x: 600, y: 400, yDistance: -yDistance, speed, gestureSourceType: 'mouse' });
  const reading = await costOf(page, cdp, mock, () => scroll(6_000, 1200));
  say('reading', reading);
  const flying = await costOf(page, cdp, mock, () => scroll(150_000, 25_000));
  say('flying', flying);
  const scrubbing = await costOf(page, cdp, mock, async () => {
    const box = await page.locator('.scrubber').boundingBox();
    await page.mouse.move(box.x + 50, box.y + 30);
    await page.mouse.down();
    for (let i = 0; i < 60; i++) await page.mouse.move(box.x + 50, box.y + 30 + (i * (box.height - 60)) / 60);
    await page.mouse.up();
  });
  say('scrubbing', scrubbing);
  for (const [name, w] of Object.entries({ reading, flying, scrubbing })) {
    assert.ok(w.scrolls > 0 && w.made > 0, `${name}: something was scrolled`);
    assert.ok(w.most < 3000, `${name}: ${w.most} elements`);
    assert.equal(w.touched, 0, `${name}: tiles that stay are not touched`);
    // A list that arrives or a handle that is dragged measures; a scroll step does not.
    assert.ok(w.reads <= 12 * (w.buckets + 2) + (name === 'scrubbing' ? 4 * 62 : 0), `${name}: ${w.reads} forced reads`);
    assert.ok(w.layouts <= 2 * Math.max(w.frames, w.scrolls) + 4 * w.buckets + 20, `${name}: ${w.layouts} layouts in ${w.frames} frames`);
  }
  assert.equal(reading.made, reading.different, 'reading on, a tile is made once');
  assert.ok(flying.pictures < flying.made + 200, `${flying.pictures} pictures for ${flying.made} tiles`);
});

test('what is let go comes again: everything selected, to the middle and back', { mockOnly: true, photos: many }, async ({ page, mock }) => {
  await page.locator('.tile.shown').first().waitFor();
  const first = await page.locator('.tile').first().getAttribute('data-id');
  await page.locator('.scroller').focus();
  await page.keyboard.press('Control+a');
  await page.locator('.bar.selection', { hasText: '100,000 selected' }).waitFor();
  await page.keyboard.press('Escape');
  const lists = () => mock.log.filter((r) => r.path === '/api/timeline/bucket').length;
  const slider = page.getByRole('slider', { name: 'Timeline position' });
  await slider.focus();
  const height = await page.evaluate(() => document.querySelector('.sheet').offsetHeight);
  const start = lists();
  const box = await slider.boundingBox();
  for (const part of [0.4, 0.5, 0.6]) {
    await page.mouse.click(box.x + 40, box.y + box.height * part);
    await page.locator('.tile.shown').first().waitFor();
  }
  assert.ok(lists() > start, 'the middle was asked for again: it had been let go while the rest was read');
  await page.keyboard.press('Home');
  await page.locator(`.tile.shown[data-id="${first}"]`).waitFor();
  assert.equal(await page.evaluate(() => document.querySelector('.sheet').offsetHeight), height, 'heights are remembered');
});

test('rows fill the width, nothing overlaps, every photo of the view is there', { photos: many }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const boxes = await page.$$eval('.tile', (tiles) => tiles.map((x) => x.getBoundingClientRect()).map((r) => [r.left, r.top, r.right, r.bottom]));
  assert.ok(boxes.length > 5);
  for (let a = 0; a < boxes.length; a++) {
    for (let b = a + 1; b < boxes.length; b++) {
      const apart = boxes[a][2] <= boxes[b][0] || boxes[b][2] <= boxes[a][0] || boxes[a][3] <= boxes[b][1] || boxes[b][3] <= boxes[a][1];
      assert.ok(apart, `${boxes[a]} and ${boxes[b]}`);
    }
  }
});

test('what the reader looks at stays where it is when months above get their real height', { mockOnly: true, photos: many, mock: { latency: 120 } }, async ({ page }) => {
  await page.locator('.tile.shown').first().waitFor();
  await scrollTo(page, await page.evaluate(() => document.querySelector('.scroller').scrollHeight * 0.6));
  const place = await page.evaluate(async () => {
    const scroller = document.querySelector('.scroller');
    const seen = () => [...document.querySelectorAll('.tile')].map((x) => ({ id: x.dataset.id, y: x.getBoundingClientRect().top })).filter((x) => x.y > 100 && x.y < 600);
    let worst = 0;
    let before = seen();
    // Up, through months whose heights are estimates: between two steps nothing may move by itself.
    for (let i = 0; i < 40; i++) {
      scroller.scrollTop -= 240;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      before = seen();
      await new Promise((resolve) => setTimeout(resolve, 140));
      const now = new Map(seen().map((x) => [x.id, x.y]));
      for (const b of before) if (now.has(b.id)) worst = Math.max(worst, Math.abs(now.get(b.id) - b.y));
    }
    return worst;
  });
  assert.ok(place <= 1, `moved by ${place} pixels`);
});

test('the scale of time: drag, keys, and what it says', { mockOnly: true, photos: many }, async ({ page }) => {
  await page.locator('.tile.shown').first().waitFor();
  const slider = page.getByRole('slider', { name: 'Timeline position' });
  assert.equal(await slider.getAttribute('aria-valuetext'), 'June 2024');
  await slider.focus();
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.querySelector('.scrubber').getAttribute('aria-valuetext') === 'May 2024');
  await page.keyboard.press('PageDown');
  await page.waitForFunction(() => document.querySelector('.scrubber').getAttribute('aria-valuetext') === 'December 2023');
  await page.keyboard.press('End');
  await page.getByText(/photographs since/).waitFor();
  await page.locator('.tile.shown').first().waitFor();
  await shoot(page, 'end');
  const box = await slider.boundingBox();
  await page.mouse.move(box.x + 40, box.y + box.height / 2);
  await shoot(page, 'scrubber');
  await page.mouse.click(box.x + 40, box.y + box.height / 2);
  const year = Number((await slider.getAttribute('aria-valuetext')).slice(-4));
  assert.ok(year > 2005 && year < 2023, `${year}`);
});

test('a million photos: taller than an element may be, and the end can be reached', { mockOnly: true, photos: 1_000_000 }, async ({ page }) => {
  await page.locator('.tile.shown').first().waitFor();
  const height = await page.evaluate(() => document.querySelector('.sheet').offsetHeight);
  assert.ok(height <= 8_000_000);
  await page.getByRole('slider', { name: 'Timeline position' }).focus();
  await page.keyboard.press('End');
  await page.getByText('1,000,000 photographs since').waitFor();
  await page.locator('.tile.shown').last().waitFor();
  await page.keyboard.press('Home');
  await page.waitForFunction(() => document.querySelector('.scrubber').getAttribute('aria-valuetext') === 'June 2024');
  assert.equal(await page.evaluate(() => document.querySelector('.scroller').scrollTop), 0);
  // Through the middle, where the window moves under the reader.
  const cdp = await page.context().newCDPSession(page);
  await scrollTo(page, 6_990_000);
  const before = await page.locator('.month h2 span').first().textContent();
  await cdp.send('Input.synthesizeScrollGesture', { x: 600, y: 400, yDistance: -40_000, speed: 20_000, gestureSourceType: 'mouse' });
  await page.locator('.tile.shown').first().waitFor();
  const after = await page.locator('.month h2 span').first().textContent();
  const month = (text) => Date.parse(`1 ${text} UTC`);
  const gone = (month(before) - month(after)) / 86_400_000;
  assert.ok(gone >= 0 && gone < 200, `${before} to ${after}`);
});

test('other views and back: the place in the timeline is kept', { photos: 3000 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await scrollTo(page, 900);
  const top = () => page.evaluate(() => document.querySelector('.scroller').scrollTop);
  const before = await top();
  await page.getByRole('link', { name: 'Trash' }).first().click();
  await page.getByRole('heading', { name: 'Trash', exact: true }).waitFor();
  await page.goBack();
  await page.locator('.tile').first().waitFor();
  assert.ok(Math.abs((await top()) - before) <= 2, `${before} became ${await top()}`);
});

test('search: by name, by date, nothing', { photos: 5000 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await page.keyboard.press('/');
  await page.keyboard.type('may 2024');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /found/ }).waitFor();
  await page.locator('.chip', { hasText: 'May 2024' }).waitFor();
  await page.locator('.tile').first().waitFor();
  const headings = await page.$$eval('.month h2 span', (list) => list.map((x) => x.textContent));
  assert.deepEqual([...new Set(headings)], ['May 2024']);
  await shoot(page, 'search');
  await accessibility(page);
  const field = page.getByRole('searchbox');
  await field.fill('zzz-no-such-name');
  await field.press('Enter');
  await page.getByText('Nothing found').waitFor();
  await field.fill('');
  await field.press('Enter');
  await page.locator('.tile').first().waitFor();
  assert.match(page.url(), /#\/$/);
});

test('the timeline is accessible', { photos: 3000 }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  await accessibility(page);
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await shoot(page, 'account');
  await accessibility(page);
});

test('dark by system, light by choice, kept over a reload', { photos: 3000, context: { colorScheme: 'dark' } }, async ({ t, page }) => {
  await ensurePhotos(t, page);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await ground(), 'rgb(20, 18, 16)');
  await shoot(page, 'dark');
  await accessibility(page);
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.locator('.theme label', { hasText: 'Light' }).click();
  assert.equal(await ground(), 'rgb(247, 245, 241)');
  await page.reload();
  await page.locator('.tile').first().waitFor();
  assert.equal(await ground(), 'rgb(247, 245, 241)');
});

test('on a phone: nothing sticks out, the tabs are at the bottom, a long press selects', { photos: 3000, context: { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 } }, async ({ t, page, context }) => {
  await ensurePhotos(t, page);
  // Not innerWidth: that grows with what sticks out.
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.locator('.bottom-tabs').waitFor();
  await shoot(page, 'phone');
  await accessibility(page);
  const tile = await page.locator('.tile').nth(2).boundingBox();
  const cdp = await context.newCDPSession(page);
  const at = [{ x: tile.x + tile.width / 2, y: tile.y + tile.height / 2 }];
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at });
  await page.locator('.bar.selection', { hasText: '1 selected' }).waitFor();
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await page.locator('.tile').nth(4).tap();
  await page.locator('.bar.selection', { hasText: '2 selected' }).waitFor();
  await shoot(page, 'phone-selection');
  await accessibility(page);
  await page.getByRole('button', { name: 'Clear selection' }).tap();
  await page.locator('.tile').nth(4).tap();
  await opened(page);
  await shoot(page, 'phone-viewer');
  await page.goBack();
  await page.locator('.pswp').waitFor({ state: 'detached' });
});
