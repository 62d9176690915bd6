// SPDX-License-Identifier: Apache-2.0
//
// Line icons on a grid of 24, drawn for this page. They never carry meaning alone: the button around them has a name.

import type { JSX } from 'preact';

const paths = {
  photos: 'M4 5.5h16a.5.5 0 0 1 .5.5v12a.5.5 0 0 1-.5.5H4a.5.5 0 0 1-.5-.5V6a.5.5 0 0 1 .5-.5z M3.5 16l4.8-4.6a1 1 0 0 1 1.4 0l3 2.9 2-1.9a1 1 0 0 1 1.4 0l4.4 4.1 M15.75 9.25a.5.5 0 1 0 0-.01z',
  heart: 'M12 19.5S4.25 15 4.25 9.5A4.2 4.2 0 0 1 12 7.25 4.2 4.2 0 0 1 19.75 9.5C19.75 15 12 19.5 12 19.5z',
  trash: 'M4.5 6.75h15 M9.5 6.5v-1.75a.75.75 0 0 1 .75-.75h3.5a.75.75 0 0 1 .75.75V6.5 M6.5 7l.8 11.8a1.2 1.2 0 0 0 1.2 1.2h7a1.2 1.2 0 0 0 1.2-1.2L17.5 7 M10.25 10.5v6 M13.75 10.5v6',
  restore: 'M4.5 5v4.5h4.5 M4.9 9.3a8 8 0 1 1-.9 4.2',
  search: 'M10.75 17a6.25 6.25 0 1 0 0-12.5 6.25 6.25 0 0 0 0 12.5z M15.4 15.4l4.4 4.4',
  upload: 'M12 15.5V4.75 M7.75 8.75L12 4.5l4.25 4.25 M4.5 15v3.25a1.25 1.25 0 0 0 1.25 1.25h12.5a1.25 1.25 0 0 0 1.25-1.25V15',
  download: 'M12 4.5v10.75 M7.75 11.25L12 15.5l4.25-4.25 M4.5 15v3.25a1.25 1.25 0 0 0 1.25 1.25h12.5a1.25 1.25 0 0 0 1.25-1.25V15',
  close: 'M6 6l12 12 M18 6L6 18',
  check: 'M5.5 12.5l4.25 4.25L18.5 8',
  info: 'M12 20.25a8.25 8.25 0 1 0 0-16.5 8.25 8.25 0 0 0 0 16.5z M12 11v5.25 M12 7.9v.05',
  pause: 'M8.5 6v12 M15.5 6v12',
  play: 'M8 5.75v12.5l10-6.25z',
  retry: 'M19.5 5v4.5H15 M19.1 9.3a8 8 0 1 0 .9 4.2',
  down: 'M6.5 9.5l5.5 5.5 5.5-5.5',
  up: 'M6.5 14.5L12 9l5.5 5.5',
  left: 'M14.5 5.5L8 12l6.5 6.5',
  right: 'M9.5 5.5L16 12l-6.5 6.5',
  folder: 'M3.75 18V6.25A.75.75 0 0 1 4.5 5.5h4.8l2 2.25h8.2a.75.75 0 0 1 .75.75V18a.75.75 0 0 1-.75.75h-15A.75.75 0 0 1 3.75 18z',
  file: 'M6.5 20V4h7.5l3.5 3.5V20z M13.75 4v4h3.75',
  alert: 'M12 4.25L20.75 19.5H3.25z M12 10v4.25 M12 16.9v.05',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z M12 3v1.8 M12 19.2V21 M3 12h1.8 M19.2 12H21 M5.6 5.6l1.3 1.3 M17.1 17.1l1.3 1.3 M18.4 5.6l-1.3 1.3 M6.9 17.1l-1.3 1.3',
  moon: 'M19.5 14.25A8 8 0 0 1 9.75 4.5a8 8 0 1 0 9.75 9.75z',
  auto: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z M12 4v16 M12 7.5h4.5 M12 12h7.5 M12 16.5h4.5',
  keyboard: 'M3.5 7h17v10h-17z M6.5 10h.01 M9.5 10h.01 M12.5 10h.01 M15.5 10h.01 M17.8 10h.01 M8 14h8',
  leave: 'M10 4.5H5.5v15H10 M9.5 12h10 M16 8.5l3.5 3.5-3.5 3.5',
  camera: 'M4.5 8h3l1.5-2.5h6L16.5 8h3a1 1 0 0 1 1 1v8.5a1 1 0 0 1-1 1h-15a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z M12 16.25a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5z',
  calendar: 'M4.5 6h15v13.5h-15z M4.5 10h15 M8.5 4v3.5 M15.5 4v3.5',
  pin: 'M12 20.5s-6.5-5.6-6.5-10.5a6.5 6.5 0 0 1 13 0c0 4.9-6.5 10.5-6.5 10.5z M12 12.25a2.25 2.25 0 1 0 0-4.5 2.25 2.25 0 0 0 0 4.5z',
  star: 'M12 4.5l2.3 4.8 5.2.7-3.8 3.6.95 5.2L12 16.3l-4.65 2.5.95-5.2L4.5 10l5.2-.7z',
  gauge: 'M4.6 18.25a8.75 8.75 0 1 1 14.8 0z M12 14l3.75-4.25 M7.75 13.5h.01 M9.5 9.5h.01',
  more: 'M6 12h.01 M12 12h.01 M18 12h.01',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, fill = false, size = 22 }: { name: IconName; fill?: boolean; size?: number }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={paths[name]} class={fill ? 'filled' : undefined} />
    </svg>
  );
}

export const Mark = ({ size = 28 }: { size?: number }): JSX.Element => (
  <svg class="mark" viewBox="0 0 64 64" width={size} height={size} aria-hidden="true" focusable="false">
    <path class="mark-white" d="M8 34.5a24 26.5 0 0 1 48 0a24 22 0 0 1-48 0z" />
    <circle class="mark-yolk" cx="32" cy="35.5" r="11" />
  </svg>
);
