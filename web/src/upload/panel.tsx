// SPDX-License-Identifier: Apache-2.0
//
// The uploads as people see them: one line that says how it goes, and a list that shows each file. The list draws only the
// lines in view, so that ten thousand files cost no more than ten.

import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { thumbnailUrl } from '../api/calls.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/icons.tsx';
import type { Hold, Totals, UploadQueue } from './queue.ts';
import type { Item, ItemState } from './types.ts';
import { panelOpen, uploads } from './uploads.ts';

const line = 56;

/** Bytes per second over the last seconds, from samples of the total. */
class Speed {
  private samples: { at: number; sent: number }[] = [];
  value = 0;
  take(sent: number): void {
    const now = performance.now();
    const last = this.samples[this.samples.length - 1];
    if (last && now - last.at < 450) return;
    // Less than before: files were cancelled; what was measured means nothing now.
    if (last && sent < last.sent) this.samples = [];
    this.samples.push({ at: now, sent });
    while (this.samples.length > 2 && now - this.samples[0]!.at > 9000) this.samples.shift();
    const first = this.samples[0]!;
    const seconds = (now - first.at) / 1000;
    this.value = seconds > 0.9 ? (sent - first.sent) / seconds : 0;
  }
}

const holdWords: Record<Exclude<Hold, 'none'>, string> = {
  paused: 'Paused',
  offline: 'Waiting for the server. Uploads continue by themselves.',
  'signed-out': 'Signed out. Uploads continue when you sign in again.',
  full: 'The disk of the server is full. Make room there, then continue.',
  busy: 'The server asks to wait. Uploads continue in a moment.',
};

/** What is left to send, without files whose bytes are not here. */
function remaining(queue: UploadQueue): number {
  let bytes = 0;
  for (const i of queue.items.values()) {
    if (i.state === 'waiting' || i.state === 'uploading' || i.state === 'checking' || i.state === 'paused') bytes += i.size - i.sent;
  }
  return bytes;
}

function headline(t: Totals, active: number, hold: Hold): string {
  const s = t.byState;
  if (active > 0) {
    // Files that failed count as dealt with, or the total would shrink while one looks.
    const over = s.done + s.failed;
    const n = active + s.paused + over;
    if (hold !== 'none') return `${formatCount(over)} of ${formatCount(n)} uploaded`;
    return `Uploading ${formatCount(Math.min(n, over + 1))} of ${formatCount(n)}`;
  }
  if (s.paused > 0) return `${plural(s.paused, 'file')} paused`;
  if (s.failed > 0) return `${plural(s.failed, 'file')} failed`;
  if (s.missing > 0) return `${plural(s.missing, 'file')} not finished`;
  return `${plural(s.done, 'file')} uploaded`;
}

export function UploadPanel() {
  const queue = uploads.value;
  const speed = useMemo(() => new Speed(), [queue]);
  if (!queue) return null;
  void queue.version.value;
  const t = queue.totals();
  if (t.files === 0) return null;
  const s = t.byState;
  const active = s.waiting + s.checking + s.uploading;
  const hold = queue.hold.value;
  if (active > 0) speed.take(t.sentBytes);
  const left = active > 0 ? remaining(queue) : 0;
  const moving = active > 0 && hold === 'none';
  const sum = t.sentBytes + left;
  const part = active + s.paused > 0 ? (sum > 0 ? t.sentBytes / sum : 0) : 1;
  const open = panelOpen.value;
  const title = headline(t, active, hold);
  return (
    <section class={open ? 'uploads open' : 'uploads'} aria-label="Uploads">
      <div class="uploads-head">
        <button class="uploads-title" aria-expanded={open} onClick={() => (panelOpen.value = !open)}>
          <Ring part={part} state={ringState(t, active, hold)} />
          <span class="uploads-words">
            <strong>{title}</strong>
            <small>
              {moving && speed.value > 1000
                ? `${formatBytes(speed.value)}/s · ${formatDuration(left / speed.value)} left`
                : hold !== 'none' && active + s.paused > 0
                  ? holdWords[hold].split('.')[0]
                  : outcome(t)}
            </small>
          </span>
          <Icon name={open ? 'down' : 'up'} size={20} />
        </button>
        {t.files === s.done && (
          <button class="icon-button" aria-label="Close the list of uploads" onClick={() => queue.clear('done')}>
            <Icon name="close" size={20} />
          </button>
        )}
      </div>
      {open && (
        <div class="uploads-body">
          <Actions queue={queue} totals={t} active={active} />
          {hold !== 'none' && hold !== 'paused' && active > 0 && (
            <p class="uploads-note" role="status">
              <Icon name="alert" size={18} /> {holdWords[hold]}
            </p>
          )}
          {s.missing > 0 && (
            <p class="uploads-note">
              <Icon name="info" size={18} />
              <span>
                {plural(s.missing, 'file')} from an earlier visit {s.missing === 1 ? 'is' : 'are'} not finished. Drop the same files or folder here again and{' '}
                {s.missing === 1 ? 'it continues' : 'they continue'} where {s.missing === 1 ? 'it' : 'they'} stopped.
              </span>
            </p>
          )}
          <List queue={queue} />
        </div>
      )}
    </section>
  );
}

function ringState(t: Totals, active: number, hold: Hold): 'moving' | 'held' | 'failed' | 'done' {
  if (active > 0) return hold === 'none' ? 'moving' : 'held';
  if (t.byState.failed > 0) return 'failed';
  return t.byState.paused + t.byState.missing > 0 ? 'held' : 'done';
}

function outcome(t: Totals): string {
  const parts = [
    t.added > 0 && `${formatCount(t.added)} added`,
    t.already > 0 && `${formatCount(t.already)} here already`,
    t.byState.failed > 0 && `${formatCount(t.byState.failed)} failed`,
  ].filter(Boolean);
  if (parts.length === 0 && t.byState.missing > 0) return 'Drop again to continue';
  return parts.join(' · ');
}

function Ring({ part, state }: { part: number; state: 'moving' | 'held' | 'failed' | 'done' }) {
  const r = 11;
  const around = 2 * Math.PI * r;
  const percent = Math.floor(Math.min(1, part) * 100);
  return (
    <span class={`ring ${state}`} role="progressbar" aria-label="Upload progress" aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}>
      <svg viewBox="0 0 28 28" width="30" height="30" aria-hidden="true">
        <circle class="ring-back" cx="14" cy="14" r={r} />
        <circle class="ring-front" cx="14" cy="14" r={r} stroke-dasharray={`${around * Math.min(1, part)} ${around}`} transform="rotate(-90 14 14)" />
        {state === 'done' && <path class="ring-sign" d="M9.5 14.3l3.2 3.2 6-6.6" />}
        {state === 'failed' && <path class="ring-sign" d="M14 9v6.2 M14 18.6v.05" />}
        {state === 'held' && <path class="ring-sign" d="M11.8 10.5v7 M16.2 10.5v7" />}
      </svg>
    </span>
  );
}

function Actions({ queue, totals, active }: { queue: UploadQueue; totals: Totals; active: number }) {
  const s = totals.byState;
  const hold = queue.hold.value;
  return (
    <div class="uploads-actions">
      {active > 0 && hold === 'none' && (
        <button class="small-button" onClick={() => queue.pauseAll()}>
          <Icon name="pause" size={16} /> Pause
        </button>
      )}
      {(hold === 'paused' || hold === 'full' || (s.paused > 0 && active === 0)) && (
        <button class="small-button" onClick={() => queue.release()}>
          <Icon name="play" size={16} /> Continue
        </button>
      )}
      {s.failed > 0 && (
        <button class="small-button" onClick={() => queue.retryFailed()}>
          <Icon name="retry" size={16} /> Retry failed
        </button>
      )}
      {s.failed > 0 && (
        <button class="small-button" onClick={() => queue.clear('failed')}>
          Clear errors
        </button>
      )}
      {s.done > 0 && active === 0 && (
        <button class="small-button" onClick={() => queue.clear('done')}>
          Clear finished
        </button>
      )}
      {s.missing > 0 && (
        <button class="small-button" onClick={() => queue.clear('missing')}>
          Forget unfinished
        </button>
      )}
      {active + s.paused > 0 && (
        <button class="small-button" onClick={() => queue.clear('waiting', 'checking', 'uploading', 'paused')}>
          Cancel all
        </button>
      )}
    </div>
  );
}

const rank: Record<ItemState, number> = { uploading: 0, checking: 0, paused: 1, failed: 2, missing: 3, waiting: 4, done: 5 };

function List({ queue }: { queue: UploadQueue }) {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(320);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => (height.value = entry!.contentRect.height));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const groups = useMemo(() => {
    const lists: Item[][] = [[], [], [], [], [], []];
    for (const item of queue.items.values()) lists[rank[item.state]]!.push(item);
    // What was finished last is what people look for first.
    lists[5]!.reverse();
    return lists.flat();
  }, [queue.version.value]);
  const first = Math.max(0, Math.floor(top.value / line) - 2);
  const end = Math.min(groups.length, Math.ceil((top.value + height.value) / line) + 2);
  return (
    <div class="uploads-list" ref={box} tabIndex={0} role="region" aria-label="Files" onScroll={(e) => (top.value = e.currentTarget.scrollTop)}>
      <ul style={{ height: groups.length * line }}>
        {groups.slice(first, end).map((item, i) => (
          <Line key={item.key} queue={queue} item={item} top={(first + i) * line} />
        ))}
      </ul>
    </div>
  );
}

const resultWords = { created: 'Added', duplicate: 'Here already', restored: 'Restored from the trash', present: 'Here already' } as const;

function words(item: Item): string {
  switch (item.state) {
    case 'done':
      return resultWords[item.result ?? 'created'];
    case 'failed':
      return item.error ?? 'Failed';
    case 'uploading':
      return item.sent > 0 ? `${formatBytes(item.sent)} of ${formatBytes(item.size)}` : formatBytes(item.size);
    case 'checking':
      return 'Looking whether it is there already';
    case 'paused':
      return `Paused at ${formatBytes(item.sent)} of ${formatBytes(item.size)}`;
    case 'missing':
      return 'Drop it again to continue';
    case 'waiting':
      return `Waiting · ${formatBytes(item.size)}`;
  }
}

const icons: Record<ItemState, IconName> = {
  done: 'check', failed: 'alert', uploading: 'upload', checking: 'search', paused: 'pause', missing: 'file', waiting: 'file',
};

function Line({ queue, item, top }: { queue: UploadQueue; item: Item; top: number }) {
  const folder = item.path.slice(0, Math.max(0, item.path.length - item.name.length - 1));
  const button = (icon: IconName, label: string, run: () => void) => (
    <button class="icon-button small" aria-label={`${label} ${item.name}`} title={label} onClick={run}>
      <Icon name={icon} size={17} />
    </button>
  );
  return (
    <li class={`upload ${item.state}`} style={{ transform: `translateY(${top}px)`, height: line }}>
      <span class="upload-face">
        {item.assetId && item.state === 'done' ? <img src={thumbnailUrl(item.assetId, 'thumbnail')} alt="" decoding="async" loading="lazy" /> : <Icon name={icons[item.state]} size={18} />}
      </span>
      <span class="upload-words">
        <span class="upload-name" title={item.path}>
          {item.name}
        </span>
        <small title={words(item)}>
          {words(item)}
          {folder && item.state !== 'failed' && <span class="upload-folder"> · {folder}</span>}
        </small>
        {item.state === 'uploading' && (
          <progress max={item.size} value={item.sent} aria-label={`Progress of ${item.name}`}>
            {Math.round((item.sent / item.size) * 100)} %
          </progress>
        )}
      </span>
      {(item.state === 'uploading' || item.state === 'waiting') && button('pause', 'Pause', () => queue.pause(item.key))}
      {item.state === 'paused' && button('play', 'Continue', () => queue.resume(item.key))}
      {item.state === 'failed' && item.file && button('retry', 'Retry', () => queue.retry(item.key))}
      {button('close', item.state === 'done' || item.state === 'failed' ? 'Remove from the list' : 'Cancel', () => queue.cancel(item.key))}
    </li>
  );
}
