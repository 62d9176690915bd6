// SPDX-License-Identifier: Apache-2.0
//
// What the camera noted, in the words photographers use. Pure: an asset in, lines out.

import type { Asset, ExifInfo } from '../api/types.ts';
import { formatBytes, locale } from '../ui/format.ts';

const number = (value: number, digits: number): string =>
  new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);

/** "NIKON CORPORATION" + "NIKON D750" -> "Nikon D750" */
export function camera(exif: ExifInfo): string {
  const make = (exif.make ?? '').trim();
  const model = (exif.model ?? '').trim();
  if (!model) return make;
  const brand = make.split(/\s+/)[0] ?? '';
  const starts = brand !== '' && model.toLowerCase().startsWith(brand.toLowerCase());
  const rest = starts ? model.slice(brand.length).trim() : model;
  const nice = /^[A-Z]{5,}$/.test(brand) ? brand[0] + brand.slice(1).toLowerCase() : brand;
  return [nice, rest].filter(Boolean).join(' ');
}

/** Exposure times come as "1/250", as 0.004, or as "0.004". */
export function exposure(value: string | number | null | undefined): string {
  if (value === null || value === undefined || value === '') return '';
  if (typeof value === 'string' && value.includes('/')) {
    const [a, b] = value.split('/').map(Number);
    return a && b ? exposure(a / b) : '';
  }
  const seconds = Number(value);
  if (!(seconds > 0)) return '';
  if (seconds >= 0.3) return `${number(seconds, 1)} s`;
  return `1/${Math.round(1 / seconds)} s`;
}

/** "1/250 s · f/2.8 · ISO 200 · 35 mm" as its parts */
export function settings(exif: ExifInfo): string[] {
  const out: string[] = [];
  const time = exposure(exif.exposureTime);
  if (time) out.push(time);
  if (exif.fNumber) out.push(`ƒ/${number(exif.fNumber, 1)}`);
  if (exif.iso) out.push(`ISO ${exif.iso}`);
  if (exif.focalLength) out.push(`${number(exif.focalLength, 0)} mm`);
  return out;
}

/** Orientations 5 to 8 lie on their side. The API gives the stored size, people mean the seen one. */
export function seenSize(asset: Asset): { width: number; height: number } | null {
  if (asset.width && asset.height) return { width: asset.width, height: asset.height };
  const w = asset.exifInfo?.exifImageWidth;
  const h = asset.exifInfo?.exifImageHeight;
  if (!w || !h) return null;
  return /^[5-8]$/.test(asset.exifInfo?.orientation ?? '') ? { width: h, height: w } : { width: w, height: h };
}

export function dimensions(asset: Asset): string[] {
  const out: string[] = [];
  const size = seenSize(asset);
  if (size) {
    const mega = (size.width * size.height) / 1e6;
    out.push(`${size.width} × ${size.height}`);
    if (mega >= 0.1) out.push(`${number(mega, mega < 10 ? 1 : 0)} MP`);
  }
  const bytes = asset.exifInfo?.fileSizeInByte;
  if (bytes) out.push(formatBytes(bytes));
  return out;
}

export function place(exif: ExifInfo): string {
  return [exif.city, exif.state, exif.country].filter((p) => p && p.trim() !== '').join(', ');
}

/** 48.85837, 2.29448 -> 48.8584° N, 2.2945° E */
export function coordinates(exif: ExifInfo): string {
  const { latitude, longitude } = exif;
  if (latitude == null || longitude == null) return '';
  const part = (v: number, plus: string, minus: string): string => `${Math.abs(v).toFixed(4)}° ${v < 0 ? minus : plus}`;
  return `${part(latitude, 'N', 'S')}, ${part(longitude, 'E', 'W')}`;
}
