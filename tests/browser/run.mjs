// SPDX-License-Identifier: Apache-2.0
//
// node tests/browser/run.mjs [part of a file name ...]
//
//   ALBUMEN_URL, ALBUMEN_USER, ALBUMEN_PASSWORD   test a running daemon instead of the mock
//   ALBUMEN_RESTART                               shell command that restarts that daemon, for the test of restarts
//   ALBUMEN_SHOTS                                 folder for screenshots of what the tests see
//   CHROMIUM                                      the browser (default /usr/bin/chromium)
import { readdirSync } from 'node:fs';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { closeBrowser } from './lib.mjs';

const wanted = process.argv.slice(2);
const files = readdirSync(fileURLToPath(new URL('.', import.meta.url)))
  .filter((f) => f.endsWith('.test.mjs') && (wanted.length === 0 || wanted.some((w) => f.includes(w))))
  .sort();
for (const file of files) await import(`./${file}`);
after(closeBrowser);
