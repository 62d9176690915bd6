// SPDX-License-Identifier: Apache-2.0
//
// Dialogs are the browser's own <dialog>: it traps the focus, returns it, and closes on Escape.

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current!;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog
      ref={ref}
      class={props.wide ? 'dialog wide' : 'dialog'}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        props.onClose();
      }}
      onClick={(e) => {
        if (e.target === ref.current) props.onClose();
      }}
      // Keys meant for the dialog must not reach the timeline behind it.
      onKeyDown={(e) => e.stopPropagation()}
    >
      <div class="dialog-body">
        <h2 id={id}>{props.title}</h2>
        {props.children}
      </div>
    </dialog>
  );
}

interface Question {
  title: string;
  text: string;
  yes: string;
  danger: boolean;
  answer: (yes: boolean) => void;
}

const question = signal<Question | null>(null);

/** Asks before something that cannot be undone. */
export function confirm(q: Omit<Question, 'answer'>): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      ...q,
      answer: (yes) => {
        question.value = null;
        resolve(yes);
      },
    };
  });
}

export function ConfirmDialog() {
  const q = question.value;
  if (!q) return null;
  return (
    <Dialog title={q.title} onClose={() => q.answer(false)}>
      <p>{q.text}</p>
      <div class="dialog-actions">
        <button class="button" onClick={() => q.answer(false)} autofocus>
          Cancel
        </button>
        <button class={q.danger ? 'button danger' : 'button primary'} onClick={() => q.answer(true)}>
          {q.yes}
        </button>
      </div>
    </Dialog>
  );
}

export const shortcutsShown = signal(false);

const shortcuts: [string, [string, string][]][] = [
  [
    'Everywhere',
    [
      ['/', 'Search'],
      ['u', 'Upload files'],
      ['Ctrl Z', 'Undo'],
      ['?', 'These shortcuts'],
    ],
  ],
  [
    'Timeline',
    [
      ['← → ↑ ↓', 'Move'],
      ['Enter', 'Open'],
      ['Space', 'Select'],
      ['Shift ← →', 'Select a range'],
      ['f', 'Favourite'],
      ['d', 'Download'],
      ['Delete', 'Move to trash'],
      ['Esc', 'Clear selection'],
    ],
  ],
  [
    'Photo',
    [
      ['← →', 'Previous, next'],
      ['i', 'Details'],
      ['f', 'Favourite'],
      ['z', 'Zoom'],
      ['d', 'Download'],
      ['Delete', 'Move to trash'],
      ['Esc', 'Back'],
    ],
  ],
];

export function ShortcutsDialog() {
  if (!shortcutsShown.value) return null;
  return (
    <Dialog title="Keyboard shortcuts" wide onClose={() => (shortcutsShown.value = false)}>
      <div class="shortcuts">
        {shortcuts.map(([title, list]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {list.map(([keys, what]) => (
                <div key={keys}>
                  <dt>
                    {keys.split(' ').map((k) => (
                      <kbd key={k}>{k}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <div class="dialog-actions">
        <button class="button" onClick={() => (shortcutsShown.value = false)} autofocus>
          Close
        </button>
      </div>
    </Dialog>
  );
}
