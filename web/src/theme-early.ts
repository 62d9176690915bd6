// SPDX-License-Identifier: Apache-2.0
//
// Runs before the first paint and does nothing else: the chosen theme, so that a dark room never sees a white flash.
try {
  const theme = localStorage.getItem('albumen.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset['theme'] = theme;
} catch {
  // Storage is switched off: the system's preference decides.
}
