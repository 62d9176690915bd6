// SPDX-License-Identifier: Apache-2.0
//
// The sources that most is asked of. Rows do not change places while somebody points at one of them.

import { signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { getAsset, thumbnailUrl } from '../api/calls.ts';
import { ApiError } from '../api/http.ts';
import type { CacheStats } from '../api/types.ts';
import { formatBytes, formatCount } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { offerPurge } from './purges.tsx';
import { assetOf, formatRate, inOrder, sourceName } from './words.ts';

/** Shown until somebody asks for all. */
const few = 8;

type Row = CacheStats['top'][number];

/** Names of photos, asked for once. Those of others are not for an administrator either: '' then. */
const names = signal<ReadonlyMap<string, string>>(new Map());
const wanted = new Set<string>();

function useNameOf(asset: string | null): string | undefined {
  useEffect(() => {
    if (!asset || wanted.has(asset)) return;
    wanted.add(asset);
    const keep = (name: string): void => {
      names.value = new Map(names.value).set(asset, name);
    };
    getAsset(asset).then(
      (a) => keep(a.originalFileName),
      (err: unknown) => {
        if (err instanceof ApiError && err.status === 404) keep('');
        else wanted.delete(asset);
      },
    );
  }, [asset]);
  return asset ? names.value.get(asset) : undefined;
}

export function Top({ rows }: { rows: readonly Row[] }) {
  const held = useSignal(0);
  const before = useRef<string[]>([]);
  const all = useSignal(false);
  const shown = inOrder(rows, (r) => r.source, before.current, held.value > 0).slice(0, all.value ? rows.length : few);
  before.current = shown.map((r) => r.source);
  const hold = (by: number) => () => {
    held.value = Math.max(0, held.value + by);
  };
  return (
    <section class="cache-table">
      <h2>Top sources</h2>
      {shown.length === 0 ? (
        <p class="none">No picture has been asked for yet.</p>
      ) : (
        <table class="top" aria-label="Top sources" onPointerEnter={hold(1)} onPointerLeave={hold(-1)} onFocusIn={hold(1)} onFocusOut={hold(-1)}>
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col" class="n">
                Asked
              </th>
              <th scope="col" class="n">
                Hit rate
              </th>
              <th scope="col" class="n">
                Sent
              </th>
              <td class="act" />
            </tr>
          </thead>
          <tbody>
            {shown.map((r) => (
              <SourceRow key={r.source} row={r} />
            ))}
          </tbody>
        </table>
      )}
      {rows.length > few && (
        <button class="small-button more" aria-expanded={all.value} onClick={() => (all.value = !all.value)}>
          {all.value ? 'Fewer' : `All ${rows.length}`}
        </button>
      )}
    </section>
  );
}

function SourceRow({ row }: { row: Row }) {
  const asset = assetOf(row.source);
  const known = useNameOf(asset);
  const name = known || sourceName(row.source);
  return (
    <tr>
      <th scope="row" title={row.source}>
        <span class="source">
          {asset && known ? (
            <img class="thumb" src={thumbnailUrl(asset, 'thumbnail')} alt="" loading="lazy" />
          ) : (
            <span class="thumb">
              <Icon name={asset ? 'photos' : 'file'} size={17} />
            </span>
          )}
          {asset && known !== '' ? <a href={`#/photo/${asset}`}>{name}</a> : <span>{name}</span>}
        </span>
      </th>
      <td class="n">{formatCount(row.hits + row.misses)}</td>
      <td class="n">{formatRate(row.hits, row.misses)}</td>
      <td class="n">{formatBytes(row.bytes)}</td>
      <td class="act">
        <button class="icon-button small" aria-label={`Remove the pictures of ${name}…`} title="Remove its pictures…" onClick={() => offerPurge('source', row.source)}>
          <Icon name="trash" size={17} />
        </button>
      </td>
    </tr>
  );
}
