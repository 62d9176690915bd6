// SPDX-License-Identifier: Apache-2.0
//
// Short messages at the lower edge, at most three, newest last. One with an action (Undo) stays longer, and stays as long as
// somebody points at it.

import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icons.tsx';

export interface Toast {
  id: number;
  text: string;
  kind: 'plain' | 'error';
  action?: { label: string; run: () => void };
}

export const toasts = signal<Toast[]>([]);
let next = 1;

export function toast(text: string, options: { kind?: Toast['kind']; action?: Toast['action'] } = {}): number {
  const id = next++;
  const item: Toast = { id, text, kind: options.kind ?? 'plain', ...(options.action && { action: options.action }) };
  toasts.value = [...toasts.value, item].slice(-3);
  return id;
}

export const dismiss = (id: number): void => {
  toasts.value = toasts.value.filter((t) => t.id !== id);
};

/** What these offered to undo has been overtaken: photos that are gone for good cannot be brought back. */
export const dismissActions = (): void => {
  toasts.value = toasts.value.filter((t) => !t.action);
};

/** Runs the newest action that is still offered: what Ctrl+Z means. */
export function undoLast(): boolean {
  const last = toasts.value.filter((t) => t.action?.label === 'Undo').pop();
  if (!last?.action) return false;
  dismiss(last.id);
  last.action.run();
  return true;
}

function ToastView({ item }: { item: Toast }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismiss(item.id), item.action ? 9000 : item.kind === 'error' ? 8000 : 4500);
    return () => clearTimeout(timer);
  }, [held, item]);
  return (
    <div
      class={`toast ${item.kind}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocusIn={() => setHeld(true)}
      onFocusOut={() => setHeld(false)}
    >
      {item.kind === 'error' && <Icon name="alert" size={18} />}
      <span>{item.text}</span>
      {item.action && (
        <button
          class="toast-action"
          onClick={() => {
            dismiss(item.id);
            item.action!.run();
          }}
        >
          {item.action.label}
        </button>
      )}
      <button class="icon-button small" aria-label="Dismiss" onClick={() => dismiss(item.id)}>
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}

export const Toasts = () => (
  <div class="toasts" role="status" aria-live="polite">
    {toasts.value.map((t) => (
      <ToastView key={t.id} item={t} />
    ))}
  </div>
);
