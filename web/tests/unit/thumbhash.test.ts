// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
// The reference implementation of the format, for comparison only.
import { rgbaToThumbHash, thumbHashToAverageRGBA, thumbHashToRGBA } from 'thumbhash';
import { averageColour, bytesFromBase64, decodeThumbhash } from '../../src/library/thumbhash.ts';

function picture(w: number, h: number, alpha: boolean): Uint8Array {
  const rgba = new Uint8Array(w * h * 4);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const at = (y * w + x) * 4;
      rgba[at] = (255 * x) / w;
      rgba[at + 1] = (255 * y) / h;
      rgba[at + 2] = 128 + 100 * Math.sin(x / 7) * Math.cos(y / 5);
      rgba[at + 3] = alpha ? (x > w / 2 ? 255 : 60) : 255;
    }
  }
  return rgba;
}

for (const [w, h, alpha] of [[90, 60, false], [60, 90, false], [80, 80, false], [100, 40, false], [90, 60, true]] as const) {
  test(`decodes like the reference: ${w}x${h}${alpha ? ' with alpha' : ''}`, () => {
    const hash = rgbaToThumbHash(w, h, picture(w, h, alpha));
    const theirs = thumbHashToRGBA(hash);
    const ours = decodeThumbhash(hash, 32)!;
    assert.equal(ours.width, theirs.w);
    assert.equal(ours.height, theirs.h);
    let worst = 0;
    for (let i = 0; i < theirs.rgba.length; i++) worst = Math.max(worst, Math.abs(theirs.rgba[i]! - ours.data[i]!));
    assert.ok(worst <= 2, `differs by ${worst}`);
  });
}

test('the average colour is the reference one', () => {
  const hash = rgbaToThumbHash(90, 60, picture(90, 60, false));
  const { r, g, b } = thumbHashToAverageRGBA(hash);
  const [, ...ours] = /rgb\((\d+) (\d+) (\d+)\)/.exec(averageColour(hash)!)!;
  [r, g, b].forEach((v, i) => assert.ok(Math.abs(v * 255 - Number(ours[i])) <= 1));
});

test('rubbish is no picture, and no exception', () => {
  assert.equal(decodeThumbhash(new Uint8Array(0)), null);
  assert.equal(decodeThumbhash(new Uint8Array(4)), null);
  assert.equal(averageColour(new Uint8Array(2)), null);
  for (let seed = 0; seed < 300; seed++) {
    const bytes = Uint8Array.from({ length: 5 + (seed % 21) }, (_, i) => (seed * 7919 + i * 104729) & 255);
    const p = decodeThumbhash(bytes)!;
    assert.equal(p.data.length, p.width * p.height * 4);
  }
});

test('base64 of the wire becomes bytes', () => {
  assert.deepEqual(bytesFromBase64('AQL/'), Uint8Array.from([1, 2, 255]));
});

test('a screenful is decoded within a frame', () => {
  const hash = rgbaToThumbHash(90, 60, picture(90, 60, false));
  for (let i = 0; i < 200; i++) decodeThumbhash(hash);
  // Time of this process, not of the clock: other programs may be at work.
  const start = process.cpuUsage();
  for (let i = 0; i < 400; i++) decodeThumbhash(hash);
  const each = process.cpuUsage(start).user / 1000 / 400;
  assert.ok(each < 0.5, `${each.toFixed(3)} ms each`);
});
