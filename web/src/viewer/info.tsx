// SPDX-License-Identifier: Apache-2.0
//
// Details of one photo: when, with what, where; and the two things a person adds, words and stars.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { getAsset, updateAsset } from '../api/calls.ts';
import type { Asset, AssetUpdate } from '../api/types.ts';
import { formatClock, formatFullDay } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/icons.tsx';
import { toast } from '../ui/toast.tsx';
import { camera, coordinates, dimensions, place, settings } from './exif.ts';

/** While one holds an arrow key down, every photo would be asked for. */
const settleTime = 120;

export function Info({ id, onClose }: { id: string; onClose: () => void }) {
  const asset = useSignal<Asset | null>(null);
  const failed = useSignal(false);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      getAsset(id, abort.signal).then(
        (a) => (asset.value = a),
        (err: Error) => {
          if (err.name !== 'AbortError') failed.value = true;
        },
      );
    }, settleTime);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [id]);

  const save = async (update: AssetUpdate): Promise<void> => {
    try {
      const next = await updateAsset(id, update);
      // Whatever the server made of it is what is shown.
      if (next?.id) asset.value = { ...next, exifInfo: next.exifInfo ?? { ...asset.peek()?.exifInfo, ...update } };
    } catch (err) {
      toast(`Not saved. ${err instanceof Error ? err.message : ''}`, { kind: 'error' });
    }
  };

  const a = asset.value;
  return (
    <aside class="info" aria-label="Details">
      <div class="info-head">
        <h2>Details</h2>
        <button class="icon-button" aria-label="Close details" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {failed.value && <p class="info-failed">The details could not be loaded.</p>}
      {a && <Body asset={a} save={save} />}
    </aside>
  );
}

function Body({ asset, save }: { asset: Asset; save: (u: AssetUpdate) => Promise<void> }) {
  const exif = asset.exifInfo ?? {};
  const local = Date.parse(asset.localDateTime);
  const where = place(exif);
  const coords = coordinates(exif);
  const device = camera(exif);
  return (
    <>
      {asset.isDamaged && <Damage asset={asset} />}
      <Description value={exif.description ?? ''} save={(description) => save({ description })} />
      <Stars value={exif.rating ?? 0} save={(rating) => save({ rating })} />
      <dl class="info-list">
        <Line icon="calendar" name="Taken">
          <b>{formatFullDay(local)}</b>
          <span>
            {formatClock(local)}
            {exif.timeZone ? ` · ${exif.timeZone}` : ''}
          </span>
        </Line>
        {(device || settings(exif).length > 0) && (
          <Line icon="camera" name="Camera">
            {device && <b>{device}</b>}
            {exif.lensModel && <span>{exif.lensModel}</span>}
            {settings(exif).length > 0 && (
              <span class="info-settings">
                {settings(exif).map((s) => (
                  <i key={s}>{s}</i>
                ))}
              </span>
            )}
          </Line>
        )}
        <Line icon="file" name="File">
          <b class="info-file">{asset.originalFileName}</b>
          <span>{dimensions(asset).join(' · ')}</span>
        </Line>
        {(where || coords) && (
          <Line icon="pin" name="Place">
            {where && <b>{where}</b>}
            {coords && (
              <a href={`https://www.openstreetmap.org/?mlat=${exif.latitude}&mlon=${exif.longitude}#map=14/${exif.latitude}/${exif.longitude}`} target="_blank" rel="noreferrer noopener">
                {coords}
              </a>
            )}
          </Line>
        )}
        {asset.tags && asset.tags.length > 0 && (
          <Line icon="more" name="Tags">
            <span class="info-tags">
              {asset.tags.map((t) => (
                <i key={t.id}>{t.value}</i>
              ))}
            </span>
          </Line>
        )}
      </dl>
    </>
  );
}

/** Two things that people can do different things about. */
function Damage({ asset }: { asset: Asset }) {
  return (
    <section class="info-damage" aria-label="Damage">
      <Icon name="alert" size={20} />
      <div>
        <b>{asset.isOriginalDamaged ? 'The original has been damaged' : 'This file is damaged'}</b>
        <p>
          {asset.isOriginalDamaged
            ? 'The disk no longer gives back the file that was uploaded, so the original cannot be downloaded. Smaller pictures of it may still be shown. Upload the same file again, from a backup or the camera, and it is whole again: with its albums, its description and its favourites.'
            : 'It came like this: it cannot be read to its end, so a part of the picture may be missing. It is kept exactly as it is, because it may be the only copy. If you have a better one, upload that.'}
        </p>
      </div>
    </section>
  );
}

function Line({ icon, name, children }: { icon: IconName; name: string; children: ComponentChildren }) {
  return (
    <div class="info-line">
      <dt>
        <Icon name={icon} size={20} />
        <span class="unseen">{name}</span>
      </dt>
      <dd>{children}</dd>
    </div>
  );
}

function Description({ value, save }: { value: string; save: (text: string) => Promise<void> }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const state = useSignal<'' | 'Saving…' | 'Saved'>('');
  const sent = useRef(value);
  const fit = (): void => {
    const el = area.current!;
    el.style.height = 'auto';
    el.style.height = `${el.scrollHeight + 2}px`;
  };
  useEffect(fit, []);
  const commit = (): void => {
    const text = area.current!.value.trim();
    if (text === sent.current) return;
    sent.current = text;
    state.value = 'Saving…';
    void save(text).then(() => (state.value = 'Saved'));
  };
  return (
    <div class="info-description">
      <textarea
        ref={area}
        rows={1}
        placeholder="Add a description"
        aria-label="Description"
        defaultValue={value}
        onInput={() => {
          fit();
          state.value = '';
        }}
        onBlur={commit}
        onKeyDown={(e) => {
          if (e.key === 'Enter' && !e.shiftKey) {
            e.preventDefault();
            e.currentTarget.blur();
          } else if (e.key === 'Escape') {
            e.stopPropagation();
            e.currentTarget.value = sent.current;
            e.currentTarget.blur();
          }
        }}
      />
      <small role="status">{state.value}</small>
    </div>
  );
}

function Stars({ value, save }: { value: number; save: (rating: number | null) => Promise<void> }) {
  const shown = useSignal(value);
  return (
    <div class="stars" role="group" aria-label="Rating">
      {[1, 2, 3, 4, 5].map((n) => (
        <button
          key={n}
          class={n <= shown.value ? 'star on' : 'star'}
          aria-label={n === 1 ? '1 star' : `${n} stars`}
          aria-pressed={n === shown.value}
          onClick={() => {
            // The same star again takes the rating back.
            shown.value = n === shown.value ? 0 : n;
            void save(shown.value === 0 ? null : shown.value);
          }}
        >
          <Icon name="star" fill={n <= shown.value} size={20} />
        </button>
      ))}
    </div>
  );
}
