// SPDX-License-Identifier: Apache-2.0
//
// Decoder for ThumbHash placeholders (the format is by Evan Wallace, https://evanw.github.io/thumbhash/). Each row is first
// reduced to one value per horizontal frequency, so a picture costs a few thousand multiplications: dozens can be drawn
// within one frame while the timeline flies past.

export interface Picture {
  width: number;
  height: number;
  /** RGBA */
  data: Uint8ClampedArray;
}

const cosines = new Map<number, Float32Array[]>();

/** cos(pi / size * (x + 0.5) * k) for every k a hash can hold, by size. */
function cosineTable(size: number): Float32Array[] {
  let table = cosines.get(size);
  if (!table) {
    table = [];
    for (let k = 0; k < 8; k++) {
      table.push(Float32Array.from({ length: size }, (_, x) => Math.cos((Math.PI / size) * (x + 0.5) * k)));
    }
    cosines.set(size, table);
  }
  return table;
}

export function bytesFromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

interface Channel {
  nx: number;
  ny: number;
  dc: number;
  /** ac[cy * nx + cx], zero where the format stores nothing. */
  ac: Float32Array;
}

/** Returns null for bytes that cannot be a ThumbHash: a placeholder is never worth an error. */
export function decodeThumbhash(hash: Uint8Array, longSide = 20): Picture | null {
  if (hash.length < 5) return null;
  const head = hash[0]! | (hash[1]! << 8) | (hash[2]! << 16);
  const tail = hash[3]! | (hash[4]! << 8);
  const alpha = head >> 23 === 1;
  const landscape = tail >> 15 === 1;
  const other = Math.max(3, tail & 7);
  const full = alpha ? 5 : 7;
  const lx = landscape ? full : other;
  const ly = landscape ? other : full;
  let nibble = (alpha ? 6 : 5) * 2;
  const channel = (nx: number, ny: number, dc: number, scale: number): Channel => {
    const ac = new Float32Array(nx * ny);
    for (let cy = 0; cy < ny; cy++) {
      for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++) {
        const value = ((hash[nibble >> 1] ?? 0) >> ((nibble & 1) << 2)) & 15;
        nibble++;
        ac[cy * nx + cx] = (value / 7.5 - 1) * scale;
      }
    }
    return { nx, ny, dc, ac };
  };
  const l = channel(lx, ly, (head & 63) / 63, ((head >> 18) & 31) / 31);
  const p = channel(3, 3, ((head >> 6) & 63) / 31.5 - 1, (((tail >> 3) & 63) / 63) * 1.25);
  const q = channel(3, 3, ((head >> 12) & 63) / 31.5 - 1, (((tail >> 9) & 63) / 63) * 1.25);
  const a = alpha ? channel(5, 5, (hash[5]! & 15) / 15, (hash[5]! >> 4) / 15) : null;
  const ratio = lx / ly;
  const width = Math.max(1, Math.round(ratio > 1 ? longSide : longSide * ratio));
  const height = Math.max(1, Math.round(ratio > 1 ? longSide / ratio : longSide));
  return { width, height, data: paint(width, height, l, p, q, a) };
}

function paint(w: number, h: number, l: Channel, p: Channel, q: Channel, a: Channel | null): Uint8ClampedArray {
  const data = new Uint8ClampedArray(w * h * 4);
  const fx = cosineTable(w);
  const fy = cosineTable(h);
  const lr = new Float32Array(l.nx);
  const pr = new Float32Array(3);
  const qr = new Float32Array(3);
  const ar = new Float32Array(5);
  let at = 0;
  for (let y = 0; y < h; y++) {
    reduce(l, fy, y, lr);
    reduce(p, fy, y, pr);
    reduce(q, fy, y, qr);
    if (a) reduce(a, fy, y, ar);
    for (let x = 0; x < w; x++) {
      const L = dot(lr, fx, x);
      const P = dot(pr, fx, x);
      const Q = dot(qr, fx, x);
      const blue = L - (2 / 3) * P;
      const red = (3 * L - blue + Q) / 2;
      data[at++] = red * 255;
      data[at++] = (red - Q) * 255;
      data[at++] = blue * 255;
      data[at++] = a ? dot(ar, fx, x) * 255 : 255;
    }
  }
  return data;
}

function reduce(c: Channel, fy: Float32Array[], y: number, out: Float32Array): void {
  for (let cx = 0; cx < c.nx; cx++) {
    let sum = 0;
    for (let cy = 0; cy < c.ny; cy++) sum += c.ac[cy * c.nx + cx]! * fy[cy]![y]!;
    // The format doubles every product of two cosines, also where one of them is 1.
    out[cx] = sum * 2;
  }
  out[0]! += c.dc;
}

function dot(row: Float32Array, fx: Float32Array[], x: number): number {
  let sum = 0;
  for (let k = 0; k < row.length; k++) sum += row[k]! * fx[k]![x]!;
  return sum;
}

/** The colour of the whole picture, as CSS; null if there is none. Far cheaper than decoding. */
export function averageColour(hash: Uint8Array): string | null {
  if (hash.length < 5) return null;
  const head = hash[0]! | (hash[1]! << 8) | (hash[2]! << 16);
  const l = (head & 63) / 63;
  const p = ((head >> 6) & 63) / 31.5 - 1;
  const q = ((head >> 12) & 63) / 31.5 - 1;
  const blue = l - (2 / 3) * p;
  const red = (3 * l - blue + q) / 2;
  const byte = (v: number): number => Math.round(Math.min(1, Math.max(0, v)) * 255);
  return `rgb(${byte(red)} ${byte(red - q)} ${byte(blue)})`;
}
