// SPDX-License-Identifier: Apache-2.0
//
// The file buttons. The inputs exist only while they are used.

import { offer } from './uploads.ts';
import { fromInput } from './walk.ts';

function pick(prepare: (input: HTMLInputElement) => void): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  prepare(input);
  input.addEventListener('change', () => {
    if (input.files?.length) offer(fromInput(input.files));
    input.remove();
  });
  input.addEventListener('cancel', () => input.remove());
  input.hidden = true;
  document.body.append(input);
  input.click();
}

export const pickFiles = (): void =>
  pick((input) => {
    // A phone offers its photo library for this; what is really accepted the server decides by content.
    input.accept = 'image/*,video/*,.heic,.heif,.avif,.jxl,.dng,.cr2,.cr3,.nef,.arw,.raf,.orf,.rw2,.pef,.srw,.pdf,.svg';
  });

export const pickFolder = (): void => pick((input) => (input.webkitdirectory = true));
