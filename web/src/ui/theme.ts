// SPDX-License-Identifier: Apache-2.0
//
// Light, dark, or as the system says. CSS does the work; this keeps the choice and the colour of the browser's own frame.

import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const key = 'albumen.theme';
const frame = { light: '#f7f5f1', dark: '#141210' };

function stored(): Theme {
  const value = document.documentElement.dataset['theme'];
  return value === 'light' || value === 'dark' ? value : 'auto';
}

export const theme = signal<Theme>(stored());
const systemDark = matchMedia('(prefers-color-scheme: dark)');
const dark = signal(systemDark.matches);
systemDark.addEventListener('change', () => (dark.value = systemDark.matches));

effect(() => {
  const root = document.documentElement;
  if (theme.value === 'auto') delete root.dataset['theme'];
  else root.dataset['theme'] = theme.value;
  const shown = theme.value === 'auto' ? (dark.value ? 'dark' : 'light') : theme.value;
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', frame[shown]);
  try {
    if (theme.value === 'auto') localStorage.removeItem(key);
    else localStorage.setItem(key, theme.value);
  } catch {
    // Not kept; it still holds for this visit.
  }
});
