// SPDX-License-Identifier: Apache-2.0
//
// The lightbox: PhotoSwipe moves, zooms and closes; what stands around the photo is ours (chrome.tsx). PhotoSwipe asks for
// photos by index, and the source answers for the whole timeline, so one can walk from the newest photo to the oldest.
// Months that are not loaded yet are shown empty for the moment they take.
//
// Life: openViewer -> PhotoSwipe (one at a time) -> 'destroy' -> onClosed. The address decides: whoever wants it closed
// changes the route, and the frame (frame.tsx) closes it.

import { signal, type Signal } from '@preact/signals';
import PhotoSwipe, { type SlideData } from 'photoswipe';
import { thumbnailUrl, originalUrl } from '../api/calls.ts';
import type { Source } from '../library/source.ts';
import { formatSpoken } from '../ui/format.ts';

/** The size a photo is taken to have until the server says: its ratio is known, its pixels are not. */
const nominal = 4000;
/** Zoomed in further than this, the full size is worth fetching. */
const worthFull = 1.3;
const panelWidth = 368;
const panelFrom = 900;
/** The most of the height that details under the photo take (.info in viewer.css). */
const panelPart = 0.62;

export interface Viewer {
  readonly source: Source;
  readonly index: Signal<number>;
  readonly id: Signal<string | null>;
  readonly panel: Signal<boolean>;
  readonly chrome: HTMLElement;
  go(by: number): void;
  zoom(): void;
  close(): void;
  /** After photos came or went: stays at the same photo, or at its successor. */
  sync(): void;
}

export interface ViewerOptions {
  source: Source;
  index: number;
  panel: Signal<boolean>;
  thumbnail: (id: string) => HTMLElement | null;
  onShow: (id: string, index: number) => void;
  /** Closed from inside (pulled down, Escape). */
  onClose: () => void;
  onClosed: () => void;
}

interface Data extends SlideData {
  assetId?: string;
  video?: boolean;
}

export function openViewer(options: ViewerOptions): Viewer {
  const { source, panel } = options;
  const index = signal(options.index);
  const id = signal<string | null>(source.idAt(options.index));
  const chrome = document.createElement('div');
  chrome.className = 'viewer-chrome';

  const pswp = new PhotoSwipe({
    index: options.index,
    bgOpacity: 1,
    loop: false,
    spacing: 0.06,
    wheelToZoom: true,
    preload: [1, 2],
    arrowPrev: false,
    arrowNext: false,
    close: false,
    zoom: false,
    counter: false,
    escKey: false,
    returnFocus: false,
    showHideAnimationType: 'zoom',
    showAnimationDuration: 240,
    hideAnimationDuration: 220,
    zoomAnimationDuration: 220,
    easing: 'cubic-bezier(.3, 0, .1, 1)',
    imageClickAction: 'zoom',
    bgClickAction: 'close',
    tapAction: 'toggle-controls',
    doubleTapAction: 'zoom',
    maxZoomLevel: 3,
    errorMsg: 'This picture could not be shown.',
    mainClass: 'viewer',
    // The details stand beside the photo, or under it where there is no room beside.
    getViewportSizeFn: () => {
      const beside = innerWidth >= panelFrom;
      return {
        x: innerWidth - (panel.value && beside ? panelWidth : 0),
        y: panel.value && !beside ? Math.round(innerHeight * (1 - panelPart)) : innerHeight,
      };
    },
  });

  const dataAt = (i: number): Data => {
    const place = source.placeOf(i);
    const month = place ? source.months[place.month] : undefined;
    const c = month?.columns;
    if (!place || !c) {
      if (place) source.need(place.month).then(() => pswp.refreshSlideContent(i), () => {});
      return { html: '<div class="viewer-wait"></div>', width: 1500, height: 1000 };
    }
    const o = place.offset;
    const assetId = c.ids[o]!;
    const ratio = c.ratios[o] || 1;
    const width = Math.round(ratio >= 1 ? nominal : nominal * ratio);
    const height = Math.round(ratio >= 1 ? nominal / ratio : nominal);
    const alt = `Photo, ${formatSpoken(c.times[o]!)}`;
    if (!c.images[o]) return { type: 'video', assetId, video: true, width, height, alt };
    return {
      assetId,
      src: thumbnailUrl(assetId, 'preview'),
      msrc: thumbnailUrl(assetId, 'thumbnail'),
      width,
      height,
      alt,
    };
  };

  pswp.addFilter('numItems', () => source.total);
  pswp.addFilter('itemData', (_data, i) => dataAt(i));
  pswp.addFilter('thumbEl', (el, data) => {
    const assetId = (data as Data).assetId;
    const tile = assetId ? options.thumbnail(assetId) : null;
    return (tile?.querySelector<HTMLElement>('img') ?? el) as HTMLElement;
  });
  pswp.addFilter('isContentZoomable', (zoomable, content) => zoomable && !(content.data as Data).video);
  pswp.addFilter('useContentPlaceholder', (use, content) => use && !(content.data as Data).video);
  pswp.addFilter('placeholderSrc', (src, content) => (content.data as Data).msrc ?? src);

  pswp.on('contentLoad', (e) => {
    const data = e.content.data as Data;
    if (!data.video || !data.assetId) return;
    e.preventDefault();
    const video = document.createElement('video');
    video.className = 'viewer-video';
    video.controls = true;
    video.playsInline = true;
    video.preload = 'metadata';
    video.poster = thumbnailUrl(data.assetId, 'preview');
    video.src = originalUrl(data.assetId);
    e.content.element = video as unknown as HTMLDivElement;
    e.content.onLoaded();
  });
  pswp.on('contentDeactivate', ({ content }) => {
    (content.element as unknown as HTMLVideoElement | undefined)?.pause?.();
  });

  pswp.on('zoomPanUpdate', ({ slide }) => {
    const data = slide.data as Data;
    const img = slide.content.element;
    if (!data.assetId || data.video || !(img instanceof HTMLImageElement) || img.dataset['full']) return;
    if (slide.currZoomLevel < slide.zoomLevels.initial * worthFull) return;
    img.dataset['full'] = 'wanted';
    const full = new Image();
    full.src = thumbnailUrl(data.assetId, 'fullsize');
    // The preview stays until every pixel of the full size is there.
    full.decode().then(
      () => (img.src = full.src),
      () => {},
    );
  });

  const shown = (): void => {
    index.value = pswp.currIndex;
    const now = source.idAt(pswp.currIndex);
    id.value = now;
    if (now) options.onShow(now, pswp.currIndex);
  };
  pswp.on('change', shown);
  pswp.on('afterSetContent', ({ slide }) => {
    // The month of the current photo has arrived.
    if (slide.index === pswp.currIndex && id.peek() !== source.idAt(pswp.currIndex)) shown();
  });
  pswp.on('keydown', (e) => {
    const target = e.originalEvent.target as Element | null;
    if (target?.closest('input, textarea, video, dialog') || e.originalEvent.defaultPrevented) e.preventDefault();
  });
  pswp.on('bindEvents', () => {
    pswp.element!.setAttribute('aria-label', 'Photo');
    pswp.element!.append(chrome);
  });
  pswp.on('close', options.onClose);
  pswp.on('destroy', () => {
    stop();
    options.onClosed();
  });

  const stop = panel.subscribe(() => {
    if (pswp.isOpen) pswp.updateSize(true);
  });

  const refreshAround = (): void => {
    // PhotoSwipe keeps contents by index, and the indexes now mean other photos.
    for (let i = pswp.currIndex - 4; i <= pswp.currIndex + 4; i++) {
      if (i >= 0) pswp.contentLoader.removeByIndex(i);
    }
    for (const i of [pswp.currIndex - 1, pswp.currIndex, pswp.currIndex + 1]) {
      if (i >= 0 && i < source.total) pswp.refreshSlideContent(i);
    }
  };

  pswp.init();
  return {
    source,
    index,
    id,
    panel,
    chrome,
    go: (by) => {
      const to = pswp.currIndex + by;
      if (to >= 0 && to < source.total) pswp.goTo(to);
    },
    zoom: () => pswp.currSlide?.toggleZoom(),
    close: () => pswp.close(),
    sync: () => {
      if (source.total === 0) {
        pswp.close();
        return;
      }
      const was = id.peek();
      if (was !== null && source.idAt(pswp.currIndex) === was) return;
      const at = was === null ? -1 : source.indexOf(was);
      const to = Math.min(source.total - 1, at >= 0 ? at : pswp.currIndex);
      if (to !== pswp.currIndex) pswp.goTo(to);
      refreshAround();
      shown();
    },
  };
}
