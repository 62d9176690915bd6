// SPDX-License-Identifier: Apache-2.0
//
// The whole page takes files: dropped or pasted.

import { signal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { plural } from '../ui/format.ts';
import { Icon } from '../ui/icons.tsx';
import { toast } from '../ui/toast.tsx';
import { offer } from './uploads.ts';
import { fromDrop, fromInput, hasFiles } from './walk.ts';

const over = signal(false);

export function DropZone() {
  // Before the page is painted: what is dropped on the first picture of it must not be lost.
  useLayoutEffect(() => {
    // Enter and leave come for every element under the pointer: only the balance says whether the files are still here.
    let depth = 0;
    const enter = (e: DragEvent): void => {
      if (!hasFiles(e.dataTransfer)) return;
      e.preventDefault();
      depth++;
      over.value = true;
    };
    const leave = (e: DragEvent): void => {
      if (!hasFiles(e.dataTransfer)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) over.value = false;
    };
    const move = (e: DragEvent): void => {
      if (!hasFiles(e.dataTransfer)) return;
      e.preventDefault();
      e.dataTransfer!.dropEffect = 'copy';
    };
    const drop = (e: DragEvent): void => {
      if (!hasFiles(e.dataTransfer)) return;
      e.preventDefault();
      depth = 0;
      over.value = false;
      void fromDrop(e.dataTransfer!, offer).then(({ unreadable }) => {
        if (unreadable > 0) toast(`${plural(unreadable, 'file')} could not be read`, { kind: 'error' });
      });
    };
    const paste = (e: ClipboardEvent): void => {
      if (!e.clipboardData?.files.length) return;
      e.preventDefault();
      offer(fromInput(e.clipboardData.files));
    };
    addEventListener('dragenter', enter);
    addEventListener('dragleave', leave);
    addEventListener('dragover', move);
    addEventListener('drop', drop);
    addEventListener('paste', paste);
    return () => {
      removeEventListener('dragenter', enter);
      removeEventListener('dragleave', leave);
      removeEventListener('dragover', move);
      removeEventListener('drop', drop);
      removeEventListener('paste', paste);
    };
  }, []);
  if (!over.value) return null;
  return (
    <div class="drop" aria-hidden="true">
      <div class="drop-card">
        <Icon name="upload" size={40} />
        <strong>Drop to add to your library</strong>
        <span>Photos and whole folders</span>
      </div>
    </div>
  );
}
