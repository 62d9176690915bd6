// SPDX-License-Identifier: Apache-2.0
//
// The caches of pictures, live: how often an answer was there already, what lies there, what went and why, how the disks
// are, and purges. Numbers change in place; nothing is drawn anew.

import { signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { getCacheStats, getHealth, getPurges } from '../api/calls.ts';
import { ApiError } from '../api/http.ts';
import type { CacheNumbers, CacheStats, Health, Purges } from '../api/types.ts';
import { NotForYou } from '../app/admin.tsx';
import { returns } from '../app/connection.ts';
import { phase } from '../app/session.ts';
import { formatBytes, formatCount, plural } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { live, type Live } from './live.ts';
import { PurgeForm, RecentPurges, resultsOf } from './purges.tsx';
import { Top } from './top.tsx';
import { asked, doorName, formatMoment, formatName, formatRate, jobs, lasting, part, Recent } from './words.ts';

const pause = 2000;

// Kept from visit to visit: what was seen last is there at once.
const stats = signal<CacheStats | null>(null);
const purges = signal<Purges | null>(null);
const health = signal<Health | null>(null);
const trouble = signal<{ text: string; refused: boolean } | null>(null);
const recent = new Recent();

async function ask(abort: AbortSignal): Promise<void> {
  try {
    const [s, p, h] = await Promise.all([getCacheStats(abort), getPurges(abort), getHealth(abort)]);
    recent.add(s);
    stats.value = s;
    purges.value = p;
    health.value = h;
    trouble.value = null;
    resultsOf(p);
  } catch (err) {
    if ((err as Error).name === 'AbortError') return;
    trouble.value = { text: err instanceof Error ? err.message : String(err), refused: err instanceof ApiError && err.status === 403 };
    throw err;
  }
}

export function CachePage() {
  const asking = useRef<Live | null>(null);
  const paused = useSignal(false);
  useEffect(() => {
    const running = live(ask, pause);
    asking.current = running;
    return () => running.stop();
  }, []);
  // The server is back, or somebody has signed in again: no need to wait.
  const back = returns.value;
  const inside = phase.value === 'in';
  useEffect(() => {
    if (inside && trouble.peek()) asking.current?.now();
  }, [back, inside]);

  if (trouble.value?.refused) return <NotForYou />;
  const s = stats.value;
  return (
    <div class="cache" tabIndex={-1}>
      <div class="cache-sheet">
        <div class="title">
          <h1>Cache</h1>
          <p>Pictures that were made, kept so that nobody has to wait for them again.</p>
          <div class="cache-live">
            <p class={paused.value || trouble.value ? 'live-state' : 'live-state on'}>{s && <Since s={s} paused={paused.value} />}</p>
            <button
              class="small-button"
              aria-pressed={paused.value}
              onClick={() => {
                paused.value = !paused.value;
                asking.current?.pause(paused.value);
              }}
            >
              <Icon name={paused.value ? 'play' : 'pause'} size={15} /> {paused.value ? 'Go on' : 'Pause'}
            </button>
          </div>
        </div>
        {trouble.value && (
          <p class="cache-trouble" role="alert">
            <Icon name="alert" size={18} /> The numbers could not be had. {trouble.value.text} {s && 'What is shown is older.'}
          </p>
        )}
        {s && (
          <>
            <Numbers s={s} />
            {health.value && <Disks health={health.value} now={s.nowMs} scrub={s.scrub} />}
            <Doors s={s} />
            <Formats s={s} />
            <Top rows={s.top} />
          </>
        )}
        <PurgeForm sent={() => asking.current?.now()} />
        {purges.value && <RecentPurges purges={purges.value} now={s?.nowMs ?? Date.now()} />}
      </div>
    </div>
  );
}

function Since({ s, paused }: { s: CacheStats; paused: boolean }) {
  return (
    <>
      {paused ? 'Paused.' : 'Live.'} Counted since <time dateTime={new Date(s.startedMs).toISOString()}>{formatMoment(s.startedMs)}</time>, when the server started ({lasting(s.nowMs - s.startedMs)}).
    </>
  );
}

// ---- the numbers

function Numbers({ s }: { s: CacheStats }) {
  const { hits, misses, beforehand } = asked(s);
  const { hits: lately, misses: latelyMade, seconds } = recent.seen;
  const r = s.results;
  return (
    <section class="cache-numbers" aria-label="At a glance">
      <div class="number-card wide">
        <h2>Hit rate</h2>
        <p class="big" data-number="rate">
          {formatRate(hits, misses)}
        </p>
        <p>{hits + misses === 0 ? 'No picture has been asked for yet.' : `${formatCount(hits)} of ${plural(hits + misses, 'picture')} did not have to be made.`}</p>
        {lately + latelyMade > 0 && (
          <p>
            {formatRate(lately, latelyMade)} in the last {seconds >= 55 ? 'minute' : `${seconds} seconds`}.
          </p>
        )}
        <dl class="parts">
          <Part name="from memory" n={s.asked.memory} />
          <Part name="from disk" n={s.asked.disk} />
          <Part name="unchanged in the browser" n={s.asked.unchanged} />
          <Part name="shared one being made" n={s.asked.joined} />
          <Part name="made" n={misses} />
          <Part name="made beforehand" n={beforehand} />
          {s.asked.failed > 0 && <Part name="could not be made" n={s.asked.failed} />}
        </dl>
      </div>
      <div class="number-card wide">
        <h2>Size</h2>
        <p class="big" data-number="size">
          {formatBytes(r.bytes)} <small>of {formatBytes(r.limitBytes)}</small>
        </p>
        <Bar name="Disk space of the cache" used={r.bytes} limit={r.limitBytes} />
        <p>
          {plural(r.files, 'picture')}
          {!r.complete && ', and what lies there is still being looked through'}
        </p>
        <Rest name="Memory" used={s.memory.bytes} limit={s.memory.limitBytes} />
        {s.sources && <Rest name="Copies of other servers’ pictures" used={s.sources.bytes} limit={s.sources.limitBytes} />}
      </div>
      <Count title="Evicted" n={both(s, 'evicted')} text="to make room for others" id="evicted" />
      <Count title="Expired" n={both(s, 'expired')} text="because they were too old" id="expired" />
      <Count title="Corrupt" n={both(s, 'corrupt')} text="found damaged, thrown away and made again" id="corrupt" bad />
      <Count title="Not kept" n={both(s, 'refused')} text="too large, or the disk was full" id="refused" />
    </section>
  );
}

/** Of results and of copies of sources. */
const both = (s: CacheStats, what: keyof CacheNumbers & ('evicted' | 'expired' | 'corrupt' | 'refused')): number => s.results[what] + (s.sources?.[what] ?? 0);

const Part = ({ name, n }: { name: string; n: number }) => (
  <div>
    <dt>{name}</dt>
    <dd>{formatCount(n)}</dd>
  </div>
);

function Bar({ name, used, limit }: { name: string; used: number; limit: number }) {
  const of = part(used, limit);
  return (
    <div class="meter" role="meter" aria-label={name} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(of * 100)} aria-valuetext={`${formatBytes(used)} of ${formatBytes(limit)}`}>
      {used > 0 && <div style={{ width: `${of * 100}%` }} />}
    </div>
  );
}

const Rest = ({ name, used, limit }: { name: string; used: number; limit: number }) => (
  <div class="rest">
    <p>
      <span>{name}</span>
      <span>
        {formatBytes(used)} of {formatBytes(limit)}
      </span>
    </p>
    <Bar name={name} used={used} limit={limit} />
  </div>
);

const Count = ({ title, n, text, id, bad = false }: { title: string; n: number; text: string; id: string; bad?: boolean }) => (
  <div class={bad && n > 0 ? 'number-card bad' : 'number-card'}>
    <h2>{title}</h2>
    <p class="big" data-number={id}>
      {formatCount(n)}
    </p>
    <p>{text}</p>
  </div>
);

// ---- the disks

const doing: Record<string, string> = { read: 'cannot be read', write: 'cannot be written to' };
const folders: Record<string, string> = { cache: 'The cache of pictures', sources: 'The cache of other servers’ pictures', notes: 'What is known of other servers’ pictures' };

function Disks({ health, now, scrub }: { health: Health; now: number; scrub: CacheStats['scrub'] }) {
  const faults = health.caches ?? [];
  const reasons = health.reasons ?? [];
  const well = faults.length === 0 && reasons.length === 0;
  return (
    <section class={well ? 'disks' : 'disks bad'} aria-labelledby="disks-title">
      <Icon name={well ? 'check' : 'alert'} size={20} />
      <div>
        <h2 id="disks-title">{well ? 'The disk is well' : faults.length > 0 ? 'A disk is in trouble' : 'The server is stuck'}</h2>
        <div role="status">
          {faults.map((f) => (
            <p key={`${f.folder} ${f.doing}`}>
              {folders[f.folder] ?? f.folder} {doing[f.doing] ?? f.doing}: <b>{f.error}</b>, for {lasting(now - f.sinceMs)}. Pictures are still shown: each is made when it is asked for. It heals by itself when the disk does.
            </p>
          ))}
          {reasons.map((r) => (
            <p key={r.what}>
              No progress: {r.what}, for {lasting(r.waitingMs)}.
            </p>
          ))}
        </div>
        <p>
          {scrub.rounds + scrub.files === 0
            ? 'Everything that is kept is read again now and then, to find damage before somebody asks. That has not begun yet.'
            : `Everything that is kept is read again now and then, to find damage before somebody asks: ${plural(scrub.rounds, 'round')} done, ${plural(scrub.files, 'file')} (${formatBytes(scrub.bytes)}) in this one, ${scrub.corrupt === 0 ? 'none' : formatCount(scrub.corrupt)} damaged.`}
        </p>
      </div>
    </section>
  );
}

// ---- tables

function Table({ title, head, children, none }: { title: string; head: string[]; children: ComponentChildren[]; none: string }) {
  return (
    <section class="cache-table">
      <h2>{title}</h2>
      {children.length === 0 ? (
        <p class="none">{none}</p>
      ) : (
        <table aria-label={title}>
          <thead>
            <tr>
              {head.map((h, i) => (
                <th key={h} scope="col" class={h === 'Sent' ? 'n minor' : i > 0 && h !== 'Format' ? 'n' : ''}>
                  {h}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      )}
    </section>
  );
}

const Doors = ({ s }: { s: CacheStats }) => (
  <Table title="By door and format" head={['Door', 'Format', 'Asked', 'Hit rate', 'Sent', 'Kept']} none="No picture has been asked for yet.">
    {s.doors.map((d) => (
      <tr key={`${d.door} ${d.format}`}>
        <th scope="row">{doorName(d.door)}</th>
        <td>{formatName(d.format)}</td>
        <td class="n">{d.door === jobs ? '–' : formatCount(d.hits + d.misses)}</td>
        <td class="n">{d.door === jobs ? '–' : formatRate(d.hits, d.misses)}</td>
        <td class="n minor">{d.door === jobs ? '–' : formatBytes(d.bytes)}</td>
        <td class="n">{formatBytes(d.fileBytes)}</td>
      </tr>
    ))}
  </Table>
);

const Formats = ({ s }: { s: CacheStats }) => (
  <Table title="What lies there" head={['Format', 'Pictures', 'Size']} none="Nothing yet.">
    {s.formats.map((f) => (
      <tr key={f.format}>
        <th scope="row">{formatName(f.format)}</th>
        <td class="n">{formatCount(f.files)}</td>
        <td class="n">{formatBytes(f.bytes)}</td>
      </tr>
    ))}
  </Table>
);
