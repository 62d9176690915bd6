// SPDX-License-Identifier: Apache-2.0
import './page.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashOf, parseRoute, type Route } from '../../src/app/router.ts';

const id = '0190a5d2-7c1e-7f00-8000-00000000abcd';

const routes: [string, Route][] = [
  ['#/', { view: 'photos', query: '', photo: null }],
  ['#/favorites', { view: 'favorites', query: '', photo: null }],
  ['#/trash', { view: 'trash', query: '', photo: null }],
  ['#/cache', { view: 'cache', query: '', photo: null }],
  [`#/photo/${id}`, { view: 'photos', query: '', photo: id }],
  [`#/favorites/photo/${id}`, { view: 'favorites', query: '', photo: id }],
  ['#/search/july%202019', { view: 'search', query: 'july 2019', photo: null }],
  [`#/search/a%2Fb%20%26c/photo/${id}`, { view: 'search', query: 'a/b &c', photo: id }],
];

for (const [hash, route] of routes) {
  test(`${hash} there and back`, () => {
    assert.deepEqual(parseRoute(hash), route);
    assert.equal(hashOf(route), hash);
  });
}

test('no photo opens over a page without photos', () => {
  assert.equal(parseRoute(`#/cache/photo/${id}`).photo, null);
});

test('whatever else stands there is the timeline', () => {
  for (const hash of ['', '#', '#/nonsense', '#/photo/not-an-id', '#/search', '#/%E0%A4%A']) {
    assert.equal(parseRoute(hash).view, 'photos');
    assert.equal(parseRoute(hash).photo, null);
  }
  assert.equal(parseRoute('#/search/%E0%A4%A').query, '%E0%A4%A', 'a broken escape is taken as it is');
});
