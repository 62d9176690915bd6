// SPDX-License-Identifier: Apache-2.0
//
// The mark of albumen (public/icon.svg) as PNG, for the places that take no SVG: an egg, because an albumen print owes
// its paper to the white of eggs, with a yolk that is a low sun.
import { encodePng } from './png.mjs';

const ground = [0x2b, 0x21, 0x1a];
const white = [0xfb, 0xf7, 0xee];
const yolk = [0xe0, 0x91, 0x2f];

function colourAt(x, y, round) {
  if (round) {
    const dx = Math.max(Math.abs(x - 32) - 18, 0);
    const dy = Math.max(Math.abs(y - 32) - 18, 0);
    if (dx * dx + dy * dy > 14 * 14) return null;
  }
  if (Math.hypot(x - 32, y - 35) <= 9.5) return yolk;
  const ry = y < 34.4 ? 22.4 : 18.6;
  const dx = (x - 32) / 20.5;
  const dy = (y - 34.4) / ry;
  return dx * dx + dy * dy <= 1 ? white : ground;
}

export function drawIcon(size, { round = true } = {}) {
  const samples = 4;
  const pixels = new Uint8Array(size * size * 4);
  for (let py = 0; py < size; py++) {
    for (let px = 0; px < size; px++) {
      const sum = [0, 0, 0, 0];
      for (let s = 0; s < samples * samples; s++) {
        const x = ((px + ((s % samples) + 0.5) / samples) * 64) / size;
        const y = ((py + (Math.floor(s / samples) + 0.5) / samples) * 64) / size;
        const c = colourAt(x, y, round);
        if (!c) continue;
        for (let k = 0; k < 3; k++) sum[k] += c[k];
        sum[3] += 1;
      }
      const at = (py * size + px) * 4;
      for (let k = 0; k < 3; k++) pixels[at + k] = sum[3] ? Math.round(sum[k] / sum[3]) : 0;
      pixels[at + 3] = Math.round((sum[3] * 255) / (samples * samples));
    }
  }
  return encodePng(size, size, pixels, 4, 9);
}
