// SPDX-License-Identifier: Apache-2.0
//
// Pictures for the mock library: small painted scenes, each fully determined by a number. A scene is a function from a
// point to a colour, so it can be drawn at any size; the same scene gives the thumbhash, the thumbnail and the preview.
import { rgbaToThumbHash } from 'thumbhash';
import { encodePng } from './png.mjs';

/** Different pictures in the library; photos share them. */
export const sceneCount = 240;

export function random(seed) {
  let s = (seed * 2654435761) >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const mix = (a, b, t) => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
const clamp = (v, low = 0, high = 1) => Math.min(high, Math.max(low, v));
const smooth = (a, b, v) => {
  const t = clamp((v - a) / (b - a));
  return t * t * (3 - 2 * t);
};
const hex = (h) => [1, 3, 5].map((i) => parseInt(h.slice(i, i + 2), 16));

/** Sky above, sky at the horizon, light, near ground, far ground. */
const hours = [
  ['#27476e', '#f6c28b', '#fff0cf', '#1d2530', '#6f6a86'],
  ['#3f86c6', '#cfe6f2', '#ffffff', '#23402c', '#8fb3c4'],
  ['#1d2b53', '#e8788a', '#ffd9a0', '#151826', '#5a4a72'],
  ['#7fa8b8', '#eef0e6', '#fffdf2', '#4a5a52', '#b4c4c2'],
  ['#0f1c33', '#3f6a8c', '#e9f2ff', '#0b1220', '#27425e'],
  ['#5c8fb0', '#f4e3c1', '#fff6dd', '#5a4630', '#c2a98a'],
  ['#8db7c9', '#f7f3ee', '#ffffff', '#6b7d87', '#d6e0e4'],
  ['#4f7f68', '#dfe9c8', '#fbffe9', '#1f3a28', '#86a98c'],
].map((set) => set.map(hex));

function noise(r) {
  const waves = Array.from({ length: 6 }, (_, i) => ({ f: (i + 1) * (1.1 + r() * 1.7), p: r() * 7, a: 1 / (i + 1.2) }));
  return (x) => waves.reduce((sum, w) => sum + Math.sin(x * w.f * 2 + w.p) * w.a, 0) / 2.6;
}

function mountains(r, hour) {
  const [top, low, light, near, far] = hour;
  const sun = { x: 0.2 + r() * 0.6, y: 0.28 + r() * 0.25, s: 0.025 + r() * 0.03 };
  const ridges = Array.from({ length: 4 }, (_, i) => ({ base: 0.5 + i * 0.13 + r() * 0.04, n: noise(r), a: 0.1 - i * 0.012 }));
  return (u, v, aspect) => {
    for (let i = 3; i >= 0; i--) {
      const edge = ridges[i].base - ridges[i].a * ridges[i].n(u * (1 + i * 0.4));
      if (v > edge) {
        const c = mix(far, near, i / 3);
        return mix(mix(c, low, 0.34 * (1 - i / 4)), c, clamp((v - edge) * 3.5));
      }
    }
    const d = Math.hypot((u - sun.x) * aspect, v - sun.y);
    const sky = mix(top, low, smooth(0, 0.72, v));
    return mix(mix(sky, light, 0.6 * Math.exp(-d * 6)), light, smooth(sun.s + 0.004, sun.s, d));
  };
}

function sea(r, hour) {
  const [top, low, light, near, far] = hour;
  const horizon = 0.42 + r() * 0.18;
  const sun = { x: 0.25 + r() * 0.5, y: horizon - 0.06 - r() * 0.14 };
  const ripple = noise(r);
  const shore = noise(r);
  const sand = mix(low, [214, 190, 150], 0.7);
  return (u, v, aspect) => {
    if (v < horizon) {
      const d = Math.hypot((u - sun.x) * aspect, v - sun.y);
      const cloud = clamp(ripple(u * 1.3 + v * 2.2) * ripple(v * 7) * 1.6) * 0.35;
      return mix(mix(mix(top, low, smooth(0, horizon, v)), light, 0.75 * Math.exp(-d * 7)), light, cloud + smooth(0.045, 0.04, d));
    }
    const depth = (v - horizon) / (1 - horizon);
    if (depth > 0.82 + shore(u) * 0.09) return mix(sand, [255, 250, 240], smooth(0.05, 0, depth - 0.82 - shore(u) * 0.09) * 0.7);
    const glint = Math.exp(-Math.abs(u - sun.x) * (9 - depth * 6)) * clamp(0.5 + ripple(u * 2 + depth * 42 / (0.4 + depth)));
    return mix(mix(mix(low, far, 0.5), mix(near, top, 0.5), smooth(0, 0.9, depth)), light, glint * 0.75);
  };
}

function town(r, hour) {
  const [top, low, light, near] = hour;
  const houses = Array.from({ length: 15 }, (_, i) => ({
    x: i / 14 - 0.04 + r() * 0.03, w: 0.05 + r() * 0.06, h: 0.2 + r() * 0.42, c: mix(near, [r() * 190 + 50, r() * 120 + 60, r() * 110 + 50], 0.35), lit: r(),
  }));
  return (u, v) => {
    for (const house of houses) {
      if (u < house.x || u > house.x + house.w || v < 0.94 - house.h) continue;
      const wx = ((u - house.x) / house.w) * 4;
      const wy = (v - (0.94 - house.h)) * 22;
      const inside = wx % 1 > 0.32 && wx % 1 < 0.74 && wy % 1 > 0.3 && wy % 1 < 0.75 && wy > 0.6 && v < 0.9;
      const key = Math.floor(wx) * 7 + Math.floor(wy) * 13 + Math.floor(house.lit * 100);
      return inside ? (key % 5 < 2 ? [255, 214, 140] : mix(house.c, low, 0.25)) : house.c;
    }
    if (v > 0.94) return mix(near, [20, 18, 16], 0.3);
    return mix(top, mix(low, light, 0.2), smooth(0, 0.9, v));
  };
}

function garden(r) {
  const ground = mix([38, 66, 44], [92, 120, 70], r());
  const tint = [[222, 74, 92], [244, 180, 66], [240, 236, 228], [150, 110, 200], [236, 120, 60]][Math.floor(r() * 5)];
  const blots = Array.from({ length: 26 }, () => ({
    x: r(), y: r(), s: 0.05 + r() * 0.13, c: mix(mix(ground, tint, r() < 0.5 ? 0.75 : 0.15), [255, 255, 255], r() * 0.25), soft: 0.25 + r() * 0.75,
  }));
  const flower = { x: 0.35 + r() * 0.3, y: 0.42 + r() * 0.2, s: 0.17 + r() * 0.1, petals: 5 + Math.floor(r() * 8), turn: r() * 6 };
  return (u, v, aspect) => {
    const dx = (u - flower.x) * aspect;
    const dy = v - flower.y;
    const d = Math.hypot(dx, dy);
    const angle = Math.atan2(dy, dx) + flower.turn;
    const edge = flower.s * (0.72 + 0.28 * Math.abs(Math.cos((angle * flower.petals) / 2)));
    if (d < flower.s * 0.24) return mix([250, 205, 80], [150, 90, 30], smooth(0, flower.s * 0.3, d));
    let c = mix(ground, [16, 26, 18], smooth(0.1, 1.2, v + u * 0.2));
    for (const b of blots) c = mix(c, b.c, 0.55 * smooth(b.s, b.s * (1 - b.soft), Math.hypot((u - b.x) * aspect, v - b.y)));
    if (d < edge) c = mix(mix(tint, [255, 255, 255], 0.18), mix(tint, [40, 10, 20], 0.35), smooth(edge * 0.4, edge, d) * 0.8);
    return c;
  };
}

function interior(r) {
  const wall = mix([232, 224, 210], [150, 160, 165], r());
  const table = mix([120, 82, 54], [70, 50, 40], r());
  const cup = [[236, 232, 224], [176, 70, 54], [60, 90, 110], [224, 178, 90]][Math.floor(r() * 4)];
  const x = 0.32 + r() * 0.36;
  const window = { x: r() * 0.5, w: 0.2 + r() * 0.15 };
  return (u, v, aspect) => {
    const dx = (u - x) * aspect;
    if (v > 0.68) {
      const shadow = smooth(0.34, 0, Math.hypot(dx - 0.12, (v - 0.79) * 2.6));
      return mix(mix(table, [255, 226, 180], 0.22 * (1 - v)), [20, 14, 10], shadow * 0.55 + 0.05 * Math.sin(u * 60 + Math.sin(v * 30)));
    }
    if (Math.abs(dx) < 0.13 && v > 0.46) return mix(cup, [20, 16, 14], 0.45 * smooth(-0.13, 0.13, dx));
    if (Math.hypot(dx - 0.15, (v - 0.56) * 1.1) < 0.065 && Math.hypot(dx - 0.15, (v - 0.56) * 1.1) > 0.038) return mix(cup, [20, 16, 14], 0.3);
    const light = u > window.x + v * 0.25 && u < window.x + window.w + v * 0.25 ? 0.55 : 0;
    return mix(mix(wall, [70, 66, 70], smooth(0.2, 1.1, u)), [255, 246, 220], light * (1 - v));
  };
}

const kinds = [mountains, sea, mountains, town, sea, garden, interior, garden];

function painter(seed) {
  const r = random(seed + 1);
  const kind = kinds[seed % kinds.length];
  const hour = hours[Math.floor(r() * hours.length)];
  return kind(r, hour);
}

function paint(seed, width, height, channels) {
  const at = painter(seed);
  const pixels = new Uint8Array(width * height * channels);
  const aspect = width / height;
  const grain = random(seed * 31 + 7);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += channels) {
      const c = at((x + 0.5) / width, (y + 0.5) / height, aspect);
      const g = channels === 3 ? (grain() - 0.5) * 5 : 0;
      for (let k = 0; k < 3; k++) pixels[i + k] = clamp(Math.round(c[k] + g), 0, 255);
      if (channels === 4) pixels[i + 3] = 255;
    }
  }
  return pixels;
}

const hashes = new Map();

/** Base64, as the API gives it. */
export function sceneHash(seed, ratio) {
  const landscape = ratio >= 1;
  const key = `${seed} ${landscape}`;
  let hash = hashes.get(key);
  if (!hash) {
    const [w, h] = landscape ? [36, 24] : [24, 36];
    hash = Buffer.from(rgbaToThumbHash(w, h, paint(seed, w, h, 4))).toString('base64');
    hashes.set(key, hash);
  }
  return hash;
}

const pictures = new Map();
const mostPictures = 700;

export function scenePng(seed, ratio, short) {
  const width = Math.round(ratio >= 1 ? short * ratio : short);
  const height = Math.round(ratio >= 1 ? short : short / ratio);
  const key = `${seed} ${width}x${height}`;
  let png = pictures.get(key);
  if (!png) {
    png = encodePng(width, height, paint(seed, width, height, 3), 3, 1);
    if (pictures.size > mostPictures) pictures.clear();
    pictures.set(key, png);
  }
  return png;
}
