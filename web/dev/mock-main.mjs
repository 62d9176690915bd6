// SPDX-License-Identifier: Apache-2.0
//
// node dev/mock-main.mjs [--port 18090] [--photos 100000] [--fresh] [--latency MS]
import { startMock } from './mock.mjs';

const value = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const fresh = process.argv.includes('--fresh');
const mock = await startMock({ port: value('port', 18090), photos: value('photos', fresh ? 0 : 100_000), latency: value('latency', 0), password: fresh ? null : 'secret' });
console.log(fresh ? `${mock.url}/#setup=token` : `${mock.url}/   sign in as admin, password secret`);
