// SPDX-License-Identifier: Apache-2.0
//
// Taking pictures out of the cache: a form, a question that says what will go, and what has become of the newest purges.

import { signal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import { purge } from '../api/calls.ts';
import type { PurgeKind, Purges } from '../api/types.ts';
import { announce } from '../ui/announce.tsx';
import { confirm } from '../ui/dialog.tsx';
import { Icon } from '../ui/icons.tsx';
import { toast } from '../ui/toast.tsx';
import { ago, fate, formatMoment, kindOf, kinds, question, readPurge, sourceName } from './words.ts';

const kind = signal<PurgeKind>('source');
const written = signal('');
const error = signal('');
const busy = signal(false);
const field: { current: HTMLInputElement | null } = { current: null };
/** Purges of this page whose result has not been told yet. */
const open = new Set<string>();

/** Fills in the form and asks. */
export function offerPurge(what: PurgeKind, text: string): void {
  kind.value = what;
  written.value = text;
  error.value = '';
  field.current?.closest('form')?.requestSubmit();
}

/** Tells what has become of purges that were asked for here. */
export function resultsOf({ purges }: Purges): void {
  for (const p of purges) {
    if (!open.has(p.id) || !p.done) continue;
    open.delete(p.id);
    const text = `${kindOf(p.what).label}: ${fate(p)}.`;
    toast(text);
    announce(text);
  }
}

export function PurgeForm({ sent }: { sent: () => void }) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const chosen = kindOf(kind.value);
  const onSubmit = async (e: Event): Promise<void> => {
    e.preventDefault();
    if (busy.value) return;
    const read = readPurge(kind.value, written.value);
    error.value = 'error' in read ? read.error : '';
    if ('error' in read) {
      input.current?.focus();
      return;
    }
    const what = kind.value;
    if (!(await confirm({ ...question(what, read.text), yes: 'Remove', danger: true }))) return;
    busy.value = true;
    try {
      open.add((await purge(what, read.text)).id);
      written.value = '';
    } catch (err) {
      error.value = err instanceof Error ? err.message : String(err);
    } finally {
      busy.value = false;
      sent();
    }
  };
  return (
    <section class="cache-table" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Remove pictures from the cache</h2>
      <form class="purge" onSubmit={(e) => void onSubmit(e)}>
        <fieldset>
          <legend class="unseen">What to remove</legend>
          {kinds.map((k) => (
            <label key={k.kind} class={k.kind === kind.value ? 'on' : ''}>
              <input
                type="radio"
                name="kind"
                value={k.kind}
                checked={k.kind === kind.value}
                onChange={() => {
                  kind.value = k.kind;
                  error.value = '';
                }}
              />
              {k.label}
            </label>
          ))}
        </fieldset>
        <div class="purge-line">
          <input
            ref={(el) => {
              input.current = el;
              field.current = el;
            }}
            id={id}
            value={written.value}
            aria-label={chosen.label}
            aria-describedby={`${id}-hint`}
            aria-invalid={error.value !== ''}
            placeholder={chosen.placeholder}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            onInput={(e) => {
              written.value = e.currentTarget.value;
              error.value = '';
            }}
          />
          <button class="button danger-quiet" disabled={busy.value}>
            <Icon name="trash" size={18} /> {busy.value ? 'One moment…' : 'Remove…'}
          </button>
        </div>
        <p class="field-hint" id={`${id}-hint`}>
          {chosen.hint}
        </p>
        <p class="form-error" role="alert">
          {error.value && (
            <>
              <Icon name="alert" size={17} /> {error.value}
            </>
          )}
        </p>
      </form>
    </section>
  );
}

export function RecentPurges({ purges, now }: { purges: Purges; now: number }) {
  return (
    <section class="cache-table">
      <h2>Recent purges</h2>
      {purges.purges.length === 0 ? (
        <p class="none">Nothing has been removed by hand.</p>
      ) : (
        <table class="purges" aria-label="Recent purges">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">What</th>
              <th scope="col">By</th>
              <th scope="col" class="n">
                Result
              </th>
            </tr>
          </thead>
          <tbody>
            {purges.purges.map((p) => (
              <tr key={p.id}>
                <td>
                  <time dateTime={new Date(p.atMs).toISOString()} title={formatMoment(p.atMs)}>
                    {ago(p.atMs, now)}
                  </time>
                </td>
                <th scope="row" title={p.text}>
                  <small>{kindOf(p.what).label}</small>
                  <span>{p.what === 'source' ? sourceName(p.text) : p.text}</span>
                </th>
                <td>{p.by || 'not known'}</td>
                <td class="n">{fate(p)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
