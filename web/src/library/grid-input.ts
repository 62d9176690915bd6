// SPDX-License-Identifier: Apache-2.0
//
// Hands on the timeline: mouse, finger, keyboard. One set of listeners on the scroller serves all tiles.
//
// Exactly one tile can be reached with Tab (the cursor); arrows move it. If it is scrolled out of the document the scroller
// takes the focus over, and the next arrow goes on from the cursor or, if that is far away, from what is seen.

import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { openPhoto } from '../app/router.ts';
import type { GridHandle } from './grid.tsx';
import { photoInRow } from './layout.ts';
import { actByKey } from './library.ts';
import { add, anchor, selected, selecting, toggle, toggleAll } from './selection.ts';
import type { Source } from './source.ts';

const longPress = 420;
const slack = 10;

export interface GridInput {
  cursor: Signal<string | null>;
  handlers: {
    onClick: (e: MouseEvent) => void;
    onKeyDown: (e: KeyboardEvent) => void;
    onPointerDown: (e: PointerEvent) => void;
    onPointerMove: (e: PointerEvent) => void;
    onPointerUp: () => void;
    onPointerCancel: () => void;
    onContextMenu: (e: MouseEvent) => void;
    onFocusIn: (e: FocusEvent) => void;
  };
}

const tileOf = (target: EventTarget | null): HTMLElement | null => (target as Element | null)?.closest<HTMLElement>('.tile') ?? null;

/** The photos an action means: the selection, or else the one under the cursor. */
export function subjects(cursor: string | null): string[] {
  return selecting.value ? [...selected.value] : cursor ? [cursor] : [];
}

export function useGridInput(source: Source, grid: GridHandle): GridInput {
  const cursor = useSignal<string | null>(null);
  const press = useRef({ timer: 0, x: 0, y: 0, fired: false });

  useEffect(() => {
    cursor.value = null;
  }, [source]);

  return useMemo(() => {
    const move = (index: number): void => {
      const to = Math.min(source.total - 1, Math.max(0, index));
      const place = source.placeOf(to);
      if (!place) return;
      const month = source.months[place.month]!;
      if (!month.columns) {
        // The month is still on its way: show where it will be, and go there when it has arrived.
        grid.reveal(to);
        source.need(place.month).then(() => move(to), () => {});
        return;
      }
      grid.reveal(to);
      const id = month.columns.ids[place.offset]!;
      cursor.value = id;
      // The tile exists after the next render.
      requestAnimationFrame(() => grid.tile(id)?.querySelector<HTMLElement>('.tile-open')?.focus({ preventScroll: true }));
    };

    const here = (): number => (cursor.value ? source.indexOf(cursor.value) : -1);

    const vertical = (from: number, direction: 1 | -1): number => {
      const place = source.placeOf(from);
      const box = place && grid.geometry.boxOf(place);
      if (!place || !box) return from;
      const rows = grid.geometry.rowsOf(source.months[place.month]!)!;
      const centre = box.x + box.w / 2;
      const row = box.row + direction;
      if (row >= 0 && row < rows.count) return source.startOf(place.month) + photoInRow(rows, row, centre);
      const next = source.months[place.month + direction];
      if (!next) return from;
      const other = grid.geometry.rowsOf(next);
      if (!other) return direction === 1 ? source.startOf(place.month + 1) : source.startOf(place.month) - 1;
      return source.startOf(place.month + direction) + photoInRow(other, direction === 1 ? 0 : other.count - 1, centre);
    };

    const firstSeen = (): number => {
      const y = grid.top() + grid.geometry.style.caption;
      for (const m of grid.geometry.visible(y, y + 2000)) {
        if (m.rows && m.endRow > m.firstRow) return source.startOf(m.index) + m.rows.start[m.firstRow]!;
      }
      return 0;
    };

    const range = async (to: string): Promise<void> => {
      const from = anchor();
      const a = from ? source.indexOf(from) : -1;
      const b = source.indexOf(to);
      if (a < 0 || b < 0) toggle(to);
      else add(await source.idsBetween(a, b));
    };

    const act = (id: string, e: MouseEvent | KeyboardEvent): void => {
      cursor.value = id;
      if (e.shiftKey && anchor()) void range(id);
      else if (selecting.value || e.ctrlKey || e.metaKey) toggle(id);
      else openPhoto(id);
    };

    const onClick = (e: MouseEvent): void => {
      if (press.current.fired) {
        press.current.fired = false;
        e.preventDefault();
        return;
      }
      const day = (e.target as Element).closest<HTMLElement>('.day');
      if (day) {
        const month = source.months[source.monthIndex(day.closest('.month')!.querySelector('h2')!.id.slice(6))];
        const c = month?.columns;
        if (c) toggleAll(c.ids.filter((_, i) => c.days[i] === Number(day.dataset['day'])));
        return;
      }
      const tile = tileOf(e.target);
      if (!tile) return;
      // A middle click or one meant for a new tab is the browser's.
      if (e.button !== 0) return;
      e.preventDefault();
      const id = tile.dataset['id']!;
      if ((e.target as Element).closest('.tile-tick')) {
        cursor.value = id;
        if (e.shiftKey && anchor()) void range(id);
        else toggle(id);
        return;
      }
      act(id, e);
    };

    const arrow = (e: KeyboardEvent, to: (from: number) => number): void => {
      e.preventDefault();
      const from = here();
      if (from < 0) {
        move(firstSeen());
        return;
      }
      const next = Math.min(source.total - 1, Math.max(0, to(from)));
      if (e.shiftKey) {
        if (!anchor()) toggle(cursor.value!);
        const id = source.idAt(next);
        if (id) void range(id);
      }
      move(next);
    };

    const onKeyDown = (e: KeyboardEvent): void => {
      if (e.altKey || (e.target as Element).closest('input, textarea, [role=slider]')) return;
      const command = e.ctrlKey || e.metaKey;
      if (command && e.key.toLowerCase() === 'a') {
        e.preventDefault();
        void source.idsBetween(0, source.total - 1).then(add);
        return;
      }
      if (command) return;
      const keys: Record<string, () => void> = {
        ArrowRight: () => arrow(e, (i) => i + 1),
        ArrowLeft: () => arrow(e, (i) => i - 1),
        ArrowDown: () => arrow(e, (i) => vertical(i, 1)),
        ArrowUp: () => arrow(e, (i) => vertical(i, -1)),
        Enter: () => {
          if (cursor.value && tileOf(e.target)) openPhoto(cursor.value);
        },
        ' ': () => {
          if (cursor.value && tileOf(e.target)) {
            e.preventDefault();
            if (e.shiftKey && anchor()) void range(cursor.value);
            else toggle(cursor.value);
          }
        },
      };
      const handler = keys[e.key];
      if (handler) {
        if (e.key === 'Enter') e.preventDefault();
        handler();
        return;
      }
      const next = here();
      const action = actByKey(e.key, subjects(cursor.value));
      if (!action) return;
      e.preventDefault();
      // The cursor goes to what moved up into the place of what was taken away.
      void action.then(() => {
        if (next >= 0 && source.total > 0 && cursor.value && source.indexOf(cursor.value) < 0) move(next);
      });
    };

    const endPress = (): void => clearTimeout(press.current.timer);
    return {
      cursor,
      handlers: {
        onClick,
        onKeyDown,
        onPointerDown: (e) => {
          const tile = tileOf(e.target);
          press.current.fired = false;
          if (e.pointerType === 'mouse' || !tile) return;
          const timer = window.setTimeout(() => {
            press.current.fired = true;
            toggle(tile.dataset['id']!);
            navigator.vibrate?.(12);
          }, longPress);
          press.current = { timer, x: e.clientX, y: e.clientY, fired: false };
        },
        onPointerMove: (e) => {
          const p = press.current;
          if (Math.hypot(e.clientX - p.x, e.clientY - p.y) > slack) endPress();
        },
        onPointerUp: endPress,
        onPointerCancel: endPress,
        onContextMenu: (e) => {
          if (press.current.fired || (e as PointerEvent).pointerType === 'touch') e.preventDefault();
        },
        onFocusIn: (e) => {
          const tile = tileOf(e.target);
          if (tile) cursor.value = tile.dataset['id']!;
        },
      },
    };
  }, [source, grid]);
}
