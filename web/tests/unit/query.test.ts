// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeSpan, inSpan, padded, parseQuery, type Span } from '../../src/library/query.ts';

const today = new Date(2024, 4, 20);
const utc = (y: number, m = 1, d = 1): number => Date.UTC(y, m - 1, d);
const span = (from: number, to: number): Span => ({ from, to });

const cases: [string, string, Span | null][] = [
  ['', '', null],
  ['beach', 'beach', null],
  ['IMG_2019', 'IMG_2019', null],
  ['2019', '', span(utc(2019), utc(2020))],
  ['"2019"', '2019', null],
  ['beach 2019', 'beach', span(utc(2019), utc(2020))],
  ['july 2019', '', span(utc(2019, 7), utc(2019, 8))],
  ['Jul. 2019', '', span(utc(2019, 7), utc(2019, 8))],
  ['Sept 2019 cat', 'cat', span(utc(2019, 9), utc(2019, 10))],
  ['2019-07', '', span(utc(2019, 7), utc(2019, 8))],
  ['2019-07-14', '', span(utc(2019, 7, 14), utc(2019, 7, 15))],
  ['14 july 2019', '', span(utc(2019, 7, 14), utc(2019, 7, 15))],
  ['July 14th, 2019', '', span(utc(2019, 7, 14), utc(2019, 7, 15))],
  ['2019-13', '2019-13', null],
  ['2019-02-30', '2019-02-30', null],
  ['2017..2019', '', span(utc(2017), utc(2020))],
  ['2019..2017', '', span(utc(2017), utc(2020))],
  ['2019-05..2019-06', '', span(utc(2019, 5), utc(2019, 7))],
  ['since:2019 before:2021', '', span(utc(2019), utc(2021))],
  ['after:2019-05', '', span(utc(2019, 6), Date.UTC(9000, 0, 1))],
  ['march', '', span(utc(2024, 3), utc(2024, 4))],
  ['december', '', span(utc(2023, 12), utc(2024, 1))],
  ['may', 'may', null],
  ['today', '', span(utc(2024, 5, 20), utc(2024, 5, 21))],
  ['yesterday', '', span(utc(2024, 5, 19), utc(2024, 5, 20))],
  ['summer house "may 2019"', 'summer house may 2019', null],
];

for (const [text, name, expected] of cases) {
  test(`understands ${text || 'nothing'}`, () => {
    const q = parseQuery(text, today);
    assert.equal(q.name, name);
    assert.deepEqual(q.span, expected);
  });
}

test('the bounds sent to the server miss no time zone', () => {
  const { span: july } = parseQuery('july 2019', today);
  const { takenAfter, takenBefore } = padded(july!);
  // 00:30 on 1 July in Kiribati (UTC+14) and 23:30 on 31 July in Hawaii (UTC-10)
  assert.ok(takenAfter <= '2019-06-30T10:30:00.000Z');
  assert.ok(takenBefore >= '2019-08-01T09:30:00.000Z');
  assert.ok(inSpan(utc(2019, 7, 1), july));
  assert.ok(!inSpan(utc(2019, 8, 1), july));
});

test('open spans stay writable dates', () => {
  const q = parseQuery('before:2018', today);
  const { takenAfter, takenBefore } = padded(q.span!);
  assert.match(takenAfter, /^\d{4}-/);
  assert.match(takenBefore, /^2018-01-01T14/);
  assert.match(padded(parseQuery('after:2018', today).span!).takenBefore, /^\d{4}-/);
});

test('says how it understood', () => {
  const say = (text: string): string => describeSpan(parseQuery(text, today).span!, 'en-GB');
  assert.equal(say('2019'), '2019');
  assert.equal(say('2017..2019'), '2017 to 2019');
  assert.equal(say('july 2019'), 'July 2019');
  assert.equal(say('2019-07-14'), '14 July 2019');
  assert.equal(say('before:2018'), 'before 1 January 2018');
  assert.equal(say('since:2018-05'), 'since 1 May 2018');
  assert.equal(say('2019 2020'), 'no day at all');
});
