// SPDX-License-Identifier: Apache-2.0
//
// The timeline: only what is near the view exists in the document. A scroll step asks the geometry what is visible and
// renders only if that changed; rows that stay are not touched (memo), so a step costs the rows that come and go.
//
// When heights change above the reader (a month arrives, photos come or go, the window is resized) the scroll position is
// corrected in the same frame, before anything is painted: what the reader looks at stays where it is.

import { useSignalEffect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { memo } from 'preact/compat';
import { useCallback, useEffect, useLayoutEffect, useMemo, useReducer, useRef } from 'preact/hooks';
import { formatCount, formatMonthYear, formatShortDay, formatFullDay, plural } from '../ui/format.ts';
import { gate } from './gate.ts';
import { Geometry, type Metrics, type VisibleMonth } from './geometry.ts';
import { useGridInput } from './grid-input.ts';
import type { Rows } from './layout.ts';
import { Scrubber } from './scrubber.tsx';
import { selected, selecting } from './selection.ts';
import type { Columns, Source } from './source.ts';
import { Tile } from './tile.tsx';

/** How much is rendered beyond the view, in pixels: more where the reader is going. */
const ahead = 700;
const behind = 350;
const scrubberFrom = 2.5;

/** Lets others (the viewer, the keyboard) find their way on the sheet that is shown. */
export interface GridHandle {
  geometry: Geometry;
  /** Scrolls as little as needed to show the photo. */
  reveal(index: number): void;
  tile(id: string): HTMLElement | null;
  /** Upper edge of the view on the sheet. */
  top(): number;
  focus(): void;
}

export const shownGrid: { current: GridHandle | null } = { current: null };

interface View {
  top: number;
  height: number;
  width: number;
  months: VisibleMonth[];
  signature: string;
}

export function Grid(props: { source: Source; leading?: ComponentChildren; trailing?: ComponentChildren; empty: ComponentChildren }) {
  const { source } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const leading = useRef<HTMLDivElement>(null);
  const geometry = useMemo(() => new Geometry(source), [source]);
  const view = useRef<View>({ top: 0, height: 0, width: 0, months: [], signature: '' });
  const last = useRef({ top: 0, time: 0 });
  const revision = useRef(0);
  const [, render] = useReducer((n: number) => n + 1, 0);

  /** Reads the scroll position and renders if other rows are near the view than before. */
  const look = useCallback(
    (force = false) => {
      const el = scroller.current!;
      const v = view.current;
      const shift = geometry.rebase(el.scrollTop + geometry.base, v.height);
      if (shift !== 0) {
        el.scrollTop += shift;
        force = true;
      }
      const top = el.scrollTop + geometry.base;
      const down = top >= v.top;
      v.top = top;
      const months = geometry.visible(top - (down ? behind : ahead), top + v.height + (down ? ahead : behind));
      const signature = months.map((m) => `${m.month.key}${m.firstRow}-${m.endRow}`).join();
      const first = months[0];
      if (first) source.want(first.index, months[months.length - 1]!.index);
      v.months = months;
      if (force || signature !== v.signature || hasScrubber(geometry, v.height)) {
        v.signature = signature;
        render(0);
      }
    },
    [geometry, source],
  );

  /** Computes everything again and keeps the reader's place. */
  const relayout = useCallback(
    (keep: boolean) => {
      const el = scroller.current!;
      const v = view.current;
      const anchor = keep && v.height > 0 ? geometry.anchorAt(v.top) : source.anchor;
      const style = getComputedStyle(el);
      v.width = el.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      v.height = el.clientHeight;
      geometry.update(Math.floor(v.width), metricsFor(v.width, leading.current?.offsetHeight ?? 0));
      revision.current++;
      // At once, not with the next render: the scroll position set below must find the new height.
      const sheet = el.querySelector<HTMLElement>('.sheet');
      if (sheet) sheet.style.height = `${geometry.windowHeight}px`;
      if (anchor) {
        const y = Math.min(Math.max(0, geometry.total - v.height), Math.max(0, geometry.yOf(anchor)));
        geometry.base = 0;
        geometry.rebase(y, v.height);
        el.scrollTop = y - geometry.base;
      }
      look(true);
    },
    [geometry, look, source],
  );

  useLayoutEffect(() => {
    relayout(false);
    const observer = new ResizeObserver(() => relayout(true));
    observer.observe(scroller.current!);
    if (leading.current) observer.observe(leading.current);
    return () => {
      observer.disconnect();
      source.anchor = geometry.anchorAt(view.current.top);
    };
  }, [relayout]);

  useSignalEffect(() => {
    void source.version.value;
    if (scroller.current) relayout(true);
  });

  const onScroll = (): void => {
    const now = performance.now();
    const top = scroller.current!.scrollTop + geometry.base;
    gate.moved(top - last.current.top, now - last.current.time);
    last.current = { top, time: now };
    look();
  };

  const handle = useMemo<GridHandle>(
    () => ({
      geometry,
      reveal(index) {
        const place = source.placeOf(index);
        const box = place && geometry.boxOf(place);
        const el = scroller.current;
        if (!el || !place) return;
        const y = box ? box.y : geometry.topOfMonth(place.month);
        const h = box ? box.h : 0;
        const v = view.current;
        const margin = geometry.style.caption + 16;
        let to = v.top;
        if (y - margin < v.top) to = y - margin;
        else if (y + h + 16 > v.top + v.height) to = y + h + 16 - v.height;
        if (to !== v.top) seek(to);
      },
      tile: (id) => scroller.current?.querySelector<HTMLElement>(`[data-id="${id}"]`) ?? null,
      top: () => view.current.top,
      focus: () => scroller.current?.focus({ preventScroll: true }),
    }),
    [geometry],
  );
  useEffect(() => {
    shownGrid.current = handle;
    return () => {
      if (shownGrid.current === handle) shownGrid.current = null;
    };
  }, [handle]);

  const seek = (y: number): void => {
    const el = scroller.current!;
    const to = Math.min(Math.max(0, geometry.total - view.current.height), Math.max(0, y));
    if (to < geometry.base || to - geometry.base > geometry.windowHeight - view.current.height) {
      geometry.base = 0;
      geometry.rebase(to, view.current.height);
    }
    el.scrollTop = to - geometry.base;
    look(true);
  };

  const input = useGridInput(source, handle);
  // A focused tile that leaves the document would take the keyboard with it.
  const focused = useRef(false);
  useLayoutEffect(() => {
    if (focused.current && document.activeElement === document.body) handle.focus();
  });
  const v = view.current;
  const chosen = selected.value;
  const empty = source.state.value === 'ready' && source.complete && source.total === 0;
  return (
    <div class="grid">
      <div
        ref={scroller}
        class={selecting.value ? 'scroller selecting' : 'scroller'}
        tabIndex={input.cursor.value === null ? 0 : -1}
        role="region"
        aria-label="Photos"
        onScroll={onScroll}
        onFocusOut={(e) => {
          if (e.relatedTarget) focused.current = scroller.current!.contains(e.relatedTarget as Node);
        }}
        {...input.handlers}
        onFocusIn={(e) => {
          focused.current = true;
          input.handlers.onFocusIn(e);
        }}
      >
        <div class="leading" ref={leading}>
          {props.leading}
        </div>
        {empty ? (
          props.empty
        ) : (
          <div class="sheet" style={{ height: geometry.windowHeight }}>
            {v.months.map((m) => (
              <MonthView
                key={m.month.key}
                m={m}
                top={m.top - geometry.base - geometry.metrics.leading}
                bodyTop={geometry.metrics.heading}
                start={source.startOf(m.index)}
                columns={m.month.columns}
                selected={chosen}
                cursor={input.cursor.value}
                target={geometry.style.target}
              />
            ))}
            <div
              class="trailing"
              style={{ transform: `translateY(${geometry.total - geometry.metrics.trailing - geometry.base - geometry.metrics.leading}px)` }}
            >
              {source.complete && source.total > 0 && props.trailing}
            </div>
          </div>
        )}
      </div>
      {!empty && hasScrubber(geometry, v.height) && (
        <Scrubber geometry={geometry} revision={revision.current} y={v.top} view={v.height} onSeek={seek} />
      )}
    </div>
  );
}

const hasScrubber = (geometry: Geometry, height: number): boolean => geometry.total > height * scrubberFrom && height > 0;

function metricsFor(width: number, leading: number): Metrics {
  const phone = width < 640;
  return { heading: phone ? 56 : 72, below: phone ? 20 : 32, leading, trailing: phone ? 150 : 170 };
}

interface MonthProps {
  m: VisibleMonth;
  top: number;
  bodyTop: number;
  start: number;
  columns: Columns | null;
  selected: ReadonlySet<string>;
  cursor: string | null;
  target: number;
}

function MonthView({ m, top, bodyTop, columns, selected: chosen, cursor, target }: MonthProps) {
  const id = `month-${m.month.key}`;
  const rows: number[] = [];
  for (let r = m.firstRow; r < m.endRow; r++) rows.push(r);
  return (
    <section class="month" aria-labelledby={id} style={{ transform: `translateY(${top}px)`, height: m.height }}>
      <h2 id={id} style={{ height: bodyTop }}>
        <span>{formatMonthYear(m.month.start)}</span>
        <small>{plural(m.month.count, 'photo')}</small>
      </h2>
      {columns && m.rows ? (
        rows.map((r) => <RowView key={r} row={r} top={bodyTop} rows={m.rows!} columns={columns} selected={chosen} cursor={cursor} />)
      ) : (
        <div class="skeleton" aria-hidden="true" style={{ top: bodyTop, '--row': `${target}px` }} />
      )}
    </section>
  );
}

interface RowProps {
  row: number;
  top: number;
  rows: Rows;
  columns: Columns;
  selected: ReadonlySet<string>;
  cursor: string | null;
}

const RowView = memo(({ row, top, rows, columns: c, selected: chosen, cursor }: RowProps) => {
  const first = rows.start[row]!;
  const end = rows.start[row + 1]!;
  const y = top + rows.y[row]!;
  const out: ComponentChildren[] = [];
  for (let i = first; i < end; i++) {
    const id = c.ids[i]!;
    if (i === 0 || c.days[i] !== c.days[i - 1]) out.push(<DayLabel key={`d${i}`} c={c} rows={rows} i={i} end={end} y={y} />);
    out.push(
      <Tile
        key={id}
        id={id}
        x={rows.x[i]!}
        y={y}
        w={rows.w[i]!}
        h={rows.h[row]!}
        hash={c.hashes[i] ?? null}
        time={c.times[i]!}
        favorite={c.favorites[i] === 1}
        image={c.images[i] === 1}
        damaged={c.damaged[i] === 1}
        duration={c.durations[i] ?? null}
        selected={chosen.has(id)}
        current={cursor === id}
      />,
    );
  }
  return <>{out}</>;
});

/** The day stands over its first photo, like pencil on a contact sheet. A click selects the day. */
function DayLabel({ c, rows, i, end, y }: { c: Columns; rows: Rows; i: number; end: number; y: number }) {
  let next = i + 1;
  while (next < end && c.days[next] === c.days[i]) next++;
  const room = rows.x[next - 1]! + rows.w[next - 1]! - rows.x[i]!;
  const time = c.times[i]!;
  const label = room < 60 ? String(new Date(time).getUTCDate()) : formatShortDay(time);
  return (
    <button
      class="day"
      data-day={c.days[i]}
      tabIndex={-1}
      aria-label={`${label}, select all of ${formatFullDay(time)}`}
      style={{ left: rows.x[i]!, top: y, maxWidth: room }}
    >
      {label}
    </button>
  );
}

export const countOf = (source: Source): string => (source.complete ? formatCount(source.total) : `${formatCount(source.total)}+`);
