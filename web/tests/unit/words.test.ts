// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Asset } from '../../src/api/types.ts';
import { formatBytes, formatDuration, formatLength, plural } from '../../src/ui/format.ts';
import { camera, coordinates, dimensions, exposure, place, settings } from '../../src/viewer/exif.ts';
import { classify, wordsOf } from '../../src/upload/classify.ts';

test('bytes', () => {
  assert.equal(formatBytes(0), '0 bytes');
  assert.equal(formatBytes(1), '1 byte');
  assert.equal(formatBytes(999), '999 bytes');
  assert.equal(formatBytes(1500), '1.5 kB');
  assert.equal(formatBytes(999_600), '1 MB');
  assert.equal(formatBytes(12_345_678), '12 MB');
  assert.equal(formatBytes(NaN), '');
});

test('time to go', () => {
  assert.equal(formatDuration(0.2), '1 s');
  assert.equal(formatDuration(59), '59 s');
  assert.equal(formatDuration(61), '2 min');
  assert.equal(formatDuration(3600), '1 h');
  assert.equal(formatDuration(7500), '2 h 5 min');
  assert.equal(formatDuration(Infinity), '');
});

test('length of a video in both shapes of the API', () => {
  assert.equal(formatLength('0:01:23.400000'), '1:23');
  assert.equal(formatLength('01:02:03.000'), '1:02:03');
  assert.equal(formatLength(83_000), '1:23');
  assert.equal(formatLength(null), '');
  assert.equal(formatLength('0:00:00.000000'), '');
});

test('plural', () => {
  assert.equal(plural(1, 'photo'), '1 photo');
  assert.equal(plural(1200, 'photo'), '1,200 photos');
});

test('cameras are called by their names', () => {
  assert.equal(camera({ make: 'NIKON CORPORATION', model: 'NIKON D750' }), 'Nikon D750');
  assert.equal(camera({ make: 'Canon', model: 'Canon EOS 5D' }), 'Canon EOS 5D');
  assert.equal(camera({ make: 'SONY', model: 'ILCE-7M3' }), 'SONY ILCE-7M3');
  assert.equal(camera({ make: 'Google' }), 'Google');
  assert.equal(camera({}), '');
});

test('exposure times in every shape', () => {
  assert.equal(exposure('1/250'), '1/250 s');
  assert.equal(exposure(0.004), '1/250 s');
  assert.equal(exposure('0.5'), '0.5 s');
  assert.equal(exposure(30), '30 s');
  assert.equal(exposure('rubbish'), '');
  assert.equal(exposure('1/0'), '');
  assert.equal(exposure(null), '');
});

test('what the camera was set to', () => {
  assert.deepEqual(settings({ exposureTime: '1/60', fNumber: 2.8, iso: 400, focalLength: 35 }), ['1/60 s', 'ƒ/2.8', 'ISO 400', '35 mm']);
  assert.deepEqual(settings({}), []);
});

const asset = (exifInfo: Asset['exifInfo'], more: Partial<Asset> = {}): Asset => ({
  id: 'x', type: 'IMAGE', originalFileName: 'x.jpg', thumbhash: null, fileCreatedAt: '', localDateTime: '',
  isFavorite: false, isTrashed: false, exifInfo: exifInfo ?? null, ...more,
});

test('sizes as they are seen, not as they are stored', () => {
  assert.deepEqual(dimensions(asset({ exifImageWidth: 4000, exifImageHeight: 3000, orientation: '6', fileSizeInByte: 5e6 })), [
    '3000 × 4000', '12 MP', '5 MB',
  ]);
  assert.deepEqual(dimensions(asset({}, { width: 100, height: 50 })), ['100 × 50']);
  assert.deepEqual(dimensions(asset(null)), []);
});

test('places', () => {
  assert.equal(place({ city: 'Porto', state: '', country: 'Portugal' }), 'Porto, Portugal');
  assert.equal(coordinates({ latitude: -33.8568, longitude: 151.2153 }), '33.8568° S, 151.2153° E');
  assert.equal(coordinates({ latitude: 0, longitude: 0 }), '0.0000° N, 0.0000° E');
  assert.equal(coordinates({ latitude: null }), '');
});

test('words of refusals', () => {
  assert.equal(wordsOf('{"message":"File is empty","statusCode":422}'), 'File is empty');
  assert.equal(wordsOf('{"message":["a","b"]}'), 'a. b');
  assert.equal(wordsOf('ERR_MAX_SIZE_EXCEEDED: maximum size exceeded\n'), 'maximum size exceeded');
  assert.equal(wordsOf('<html>oops</html>'), '');
  assert.equal(wordsOf('{broken'), '');
});

test('what a failed upload means', () => {
  const kind = (status: number, body = '', retryAfter: string | null = null): string => {
    const f = classify({ status, body, retryAfter });
    return `${f.kind} ${f.message}${f.after ? ` ${f.after}` : ''}`;
  };
  assert.equal(classify(null).kind, 'network');
  assert.match(kind(503), /^network/);
  assert.match(kind(401), /^auth/);
  assert.match(kind(507, '{"message":"disk full"}'), /^full Disk full\.$/);
  assert.match(kind(422, '{"message":"unknown type"}'), /^refused Unknown type\.$/);
  assert.match(kind(422), /^refused Not a kind/);
  assert.match(kind(429, '', '7'), /^busy .* 7$/);
  assert.match(kind(423), /^busy/);
  assert.match(kind(400, 'nonsense'), /^refused Nonsense\.$/);
});
