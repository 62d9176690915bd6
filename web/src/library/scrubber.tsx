// SPDX-License-Identifier: Apache-2.0
//
// The scale of time at the right edge: years as labels, a handle where the reader is, a bubble with the month while it is
// dragged or hovered. To assistive technology it is a slider over months.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatMonthYear } from '../ui/format.ts';
import type { Geometry } from './geometry.ts';

export interface ScrubberProps {
  geometry: Geometry;
  /** Changes when heights or months changed. */
  revision: number;
  /** Upper edge of the view on the sheet, and its height. */
  y: number;
  view: number;
  onSeek: (y: number) => void;
}

const labelGap = 26;

interface Mark {
  at: number;
  year: number;
  label: boolean;
}

export function Scrubber({ geometry, revision, y, view, onSeek }: ScrubberProps) {
  const rail = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(600);
  const [hover, setHover] = useState<number | null>(null);
  const [dragging, setDragging] = useState(false);
  const moving = useMoving(y);
  const { months } = geometry.source;
  const range = Math.max(1, geometry.total - view);

  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setHeight(entry!.contentRect.height));
    observer.observe(rail.current!);
    return () => observer.disconnect();
  }, []);

  const marks = useMemo(() => yearMarks(geometry, height, range), [geometry, revision, height, range]);
  const month = months[geometry.monthAt(y + 8)];
  const handle = Math.min(1, y / range) * height;
  const bubbleAt = hover ?? handle;
  const bubbleMonth = months[geometry.monthAt((bubbleAt / height) * range + 8)];

  const seek = (clientY: number): void => {
    const box = rail.current!.getBoundingClientRect();
    const at = Math.min(height, Math.max(0, clientY - box.top));
    setHover(at);
    onSeek((at / height) * range);
  };
  const step = (by: number): void => {
    const to = Math.min(months.length - 1, Math.max(0, geometry.monthAt(y + 8) + by));
    onSeek(to === 0 ? 0 : geometry.topOfMonth(to));
  };
  const yearStep = (direction: 1 | -1): void => {
    const from = geometry.monthAt(y + 8);
    const year = months[from]!.key.slice(0, 4);
    let to = from;
    while (months[to + direction] && months[to]!.key.slice(0, 4) === year) to += direction;
    step(to - from);
  };
  const onKeyDown = (e: KeyboardEvent): void => {
    const act = {
      ArrowUp: () => step(-1), ArrowLeft: () => step(-1), ArrowDown: () => step(1), ArrowRight: () => step(1),
      PageUp: () => yearStep(-1), PageDown: () => yearStep(1), Home: () => onSeek(0), End: () => onSeek(range),
    }[e.key];
    if (!act) return;
    e.preventDefault();
    e.stopPropagation();
    act();
  };

  return (
    <div
      class={`scrubber${dragging ? ' dragging' : ''}${moving ? ' moving' : ''}`}
      role="slider"
      tabIndex={0}
      aria-label="Timeline position"
      aria-orientation="vertical"
      aria-valuemin={1}
      aria-valuemax={Math.max(1, months.length)}
      aria-valuenow={geometry.monthAt(y + 8) + 1}
      aria-valuetext={month ? formatMonthYear(month.start) : ''}
      onKeyDown={onKeyDown}
      onPointerDown={(e) => {
        e.currentTarget.setPointerCapture(e.pointerId);
        setDragging(true);
        seek(e.clientY);
      }}
      onPointerMove={(e) => {
        if (dragging) seek(e.clientY);
        else if (e.pointerType === 'mouse') setHover(e.clientY - rail.current!.getBoundingClientRect().top);
      }}
      onPointerUp={() => {
        setDragging(false);
        setHover(null);
      }}
      onPointerCancel={() => {
        setDragging(false);
        setHover(null);
      }}
      onPointerLeave={() => !dragging && setHover(null)}
    >
      <div class="scrubber-rail" ref={rail}>
        {marks.map((m) =>
          m.label ? (
            <span key={m.year} class="scrubber-year" style={{ top: m.at }}>
              {m.year}
            </span>
          ) : (
            <span key={m.year} class="scrubber-dot" style={{ top: m.at }} />
          ),
        )}
        <span class="scrubber-handle" style={{ transform: `translateY(${handle}px)` }} />
        {bubbleMonth && (
          <span
            class={hover !== null || dragging ? 'scrubber-bubble shown' : 'scrubber-bubble'}
            style={{ transform: `translateY(${Math.min(height, Math.max(0, bubbleAt))}px)` }}
          >
            {formatMonthYear(bubbleMonth.start)}
          </span>
        )}
      </div>
    </div>
  );
}

/** True while y changes and for a moment after. */
function useMoving(y: number): boolean {
  const [moving, setMoving] = useState(false);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    setMoving(true);
    const timer = setTimeout(() => setMoving(false), 700);
    return () => clearTimeout(timer);
  }, [y]);
  return moving;
}

/** A label where each year begins, a dot where there is no room for one. */
function yearMarks(geometry: Geometry, height: number, range: number): Mark[] {
  const out: Mark[] = [];
  let last = -Infinity;
  let year = 0;
  geometry.source.months.forEach((month, i) => {
    const y = Number(month.key.slice(0, 4));
    if (y === year) return;
    year = y;
    const at = Math.min(1, (i === 0 ? 0 : geometry.topOfMonth(i)) / range) * height;
    const label = at - last >= labelGap;
    if (label) last = at;
    out.push({ at, year, label });
  });
  return out;
}
