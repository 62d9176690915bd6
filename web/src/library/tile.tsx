// SPDX-License-Identifier: Apache-2.0
//
// One photo on the timeline: placeholder, picture, a link that opens it and a box that selects it. Clicks and keys are
// handled by the grid; a tile only shows.

import { memo } from 'preact/compat';
import { useEffect, useRef, useState } from 'preact/hooks';
import { thumbnailUrl } from '../api/calls.ts';
import { returns } from '../app/connection.ts';
import { formatLength, formatSpoken } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { gate } from './gate.ts';
import { bytesFromBase64, decodeThumbhash } from './thumbhash.ts';

export interface TileProps {
  id: string;
  x: number;
  y: number;
  w: number;
  h: number;
  hash: string | null;
  time: number;
  favorite: boolean;
  image: boolean;
  damaged: boolean;
  duration: string | number | null;
  selected: boolean;
  /** The one tile that Tab reaches. */
  current: boolean;
}

function drawHash(canvas: HTMLCanvasElement, hash: string): void {
  const picture = decodeThumbhash(bytesFromBase64(hash));
  if (!picture) return;
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext('2d', { alpha: false });
  context?.putImageData(new ImageData(picture.data as Uint8ClampedArray<ArrayBuffer>, picture.width, picture.height), 0, 0);
}

/** Pictures that were shown a moment ago come from the cache at once; fading them in again would flicker. */
const seen = new Set<string>();
const mostSeen = 4000;

function TileView(p: TileProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const img = useRef<HTMLImageElement>(null);
  const [state, setState] = useState<'waiting' | 'shown' | 'broken'>(seen.has(p.id) ? 'shown' : 'waiting');

  useEffect(() => {
    if (p.hash && canvas.current) drawHash(canvas.current, p.hash);
  }, [p.hash]);

  // A picture that failed while the server was away is asked for again when it is back.
  const again = state === 'broken' ? returns.value : 0;
  useEffect(() => {
    const el = img.current!;
    const cancel = gate.pass(() => {
      el.src = thumbnailUrl(p.id, 'thumbnail');
    });
    return () => {
      cancel();
      // Takes the request back if it is still on its way.
      if (!el.complete) el.removeAttribute('src');
    };
  }, [p.id, again]);

  const kind = p.image ? 'Photo' : 'Video';
  const length = p.image ? '' : formatLength(p.duration);
  const label = `${kind}, ${formatSpoken(p.time)}${p.favorite ? ', favourite' : ''}${p.damaged ? ', damaged' : ''}`;
  return (
    <div class={`tile ${state}${p.selected ? ' selected' : ''}`} style={{ left: p.x, top: p.y, width: p.w, height: p.h }} data-id={p.id}>
      <a class="tile-open" href={`#/photo/${p.id}`} aria-label={label} tabIndex={p.current ? 0 : -1} draggable={false}>
        <canvas ref={canvas} width={1} height={1} aria-hidden="true" />
        <img
          ref={img}
          alt=""
          draggable={false}
          decoding="async"
          onLoad={() => {
            if (seen.size > mostSeen) seen.clear();
            seen.add(p.id);
            setState('shown');
          }}
          onError={() => setState('broken')}
        />
        {state === 'broken' && (
          <span class="tile-broken">
            <Icon name="alert" size={20} />
          </span>
        )}
        {p.damaged && (
          <span class="tile-damaged">
            <Icon name="alert" size={15} />
            <span>Damaged</span>
          </span>
        )}
        {p.favorite && (
          <span class="tile-heart">
            <Icon name="heart" fill size={18} />
          </span>
        )}
        {!p.image && (
          <span class="tile-length">
            {length}
            <Icon name="play" fill size={14} />
          </span>
        )}
      </a>
      <button class="tile-tick" role="checkbox" aria-checked={p.selected} aria-label={`Select ${label}`} tabIndex={-1}>
        <Icon name="check" size={16} />
      </button>
    </div>
  );
}

export const Tile = memo(TileView);
