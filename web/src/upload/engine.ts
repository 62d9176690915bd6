// SPDX-License-Identifier: Apache-2.0
//
// Moves bytes: Uppy with its tus plug-in, fetched only when the first file is dropped. The queue hands over a few files at a
// time, so Uppy's state (which it copies on every change) stays small however many files are waiting.
//
// A file leaves Uppy as soon as it succeeds or fails; the queue decides whether it comes back, then with the URL to
// continue at. Retries here only bridge short hiccups.

import Uppy from '@uppy/core';
import Tus from '@uppy/tus';
import type { DetailedError, HttpRequest, HttpResponse } from 'tus-js-client';
import { classify, type Answer } from './classify.ts';
import type { Engine, EngineEvents, Item, Result } from './types.ts';

/** Below this a file travels in the request that creates it: one round trip, and little to lose. */
const smallFile = 1024 * 1024;
const results: readonly string[] = ['created', 'duplicate', 'restored'] satisfies Result[];

interface Flight {
  id: string;
  /** Uppy's tus plug-in can neither pause nor remove a file before its first request has left. */
  begun: boolean;
  wish: 'pause' | 'cancel' | null;
  asset: string | null;
  result: Result | null;
  answer: Answer | null;
}

export class UppyEngine implements Engine {
  private readonly uppy: Uppy;
  private readonly flights = new Map<string, Flight>();

  constructor(
    private readonly endpoint: string,
    private readonly events: EngineEvents,
  ) {
    // What goes wrong is told in the list of uploads; the console is no place for people.
    const silent = { debug: () => {}, warn: () => {}, error: () => {} };
    this.uppy = new Uppy({ id: 'albumen', autoProceed: false, allowMultipleUploadBatches: true, logger: silent });
    this.uppy.use(Tus, {
      endpoint,
      limit: 0,
      retryDelays: [400, 1500],
      storeFingerprintForResuming: false,
      allowedMetaFields: ['filename', 'filetype', 'taken-at'],
    });
  }

  start(item: Item): void {
    const { key, file } = item;
    if (!file) throw new Error('a file without bytes was started');
    const id = this.uppy.addFile({
      source: 'albumen',
      name: item.name,
      type: file.type,
      data: file,
      meta: {
        // Uppy's own names for files take this in, so that two files of one name in two folders differ.
        relativePath: item.path,
        filename: item.name,
        filetype: file.type,
        'taken-at': new Date(item.mtime).toISOString(),
      },
    });
    const flight: Flight = { id, begun: false, wish: null, asset: null, result: null, answer: null };
    this.flights.set(key, flight);
    this.uppy.setFileState(id, { tus: this.optionsFor(item, flight) });
    // Not upload(): that one also sends again whatever has failed and not been removed yet.
    this.uppy.retryUpload(id).catch(() => {
      // Every failure has been told by onError already.
    });
  }

  private optionsFor(item: Item, flight: Flight): Record<string, unknown> {
    const { key } = item;
    return {
      ...(item.url && { uploadUrl: item.url }),
      uploadDataDuringCreation: item.size <= smallFile,
      // A full disk does not empty itself within seconds. Without a network the plug-in would wait in silence until the browser
      // believes in one again; the queue says so, and asks the server. For the rest the plug-in knows what to try again.
      onShouldRetry: (error: DetailedError, _attempt: number, _options: unknown, next: (e: DetailedError) => boolean) =>
        navigator.onLine && flight.answer?.status !== 507 && next(error),
      onBeforeRequest: () => {
        flight.answer = null;
        if (flight.begun) return;
        flight.begun = true;
        setTimeout(() => this.grant(key, flight), 0);
      },
      onAfterResponse: (request: HttpRequest, response: HttpResponse) => this.read(key, flight, request, response),
      onProgress: (sent: number) => this.events.progress(key, sent),
      onSuccess: () => {
        this.land(key, flight);
        this.events.done(key, flight.asset, flight.result);
      },
      onError: () => {
        this.land(key, flight);
        // The plug-in has aborted the request by now, and with it what its answer said: ours is the copy.
        this.events.failed(key, classify(flight.answer));
      },
    };
  }

  /** What the answers carry beyond tus: where the upload lives, and which asset it became. */
  private read(key: string, flight: Flight, request: HttpRequest, response: HttpResponse): void {
    const location = response.getHeader('Location');
    if (request.getMethod() === 'POST' && location) {
      this.events.url(key, new URL(location, new URL(this.endpoint, document.baseURI)).href);
    }
    flight.asset = response.getHeader('Albumen-Asset') ?? flight.asset;
    const result = response.getHeader('Albumen-Result');
    if (result && results.includes(result)) flight.result = result as Result;
    flight.answer = {
      status: response.getStatus(),
      body: response.getBody(),
      retryAfter: response.getHeader('Retry-After') ?? null,
    };
  }

  private land(key: string, flight: Flight): void {
    if (this.flights.get(key) === flight) this.flights.delete(key);
    // Not inside the callback: the plug-in still touches the file after it.
    setTimeout(() => this.uppy.removeFile(flight.id), 0);
  }

  private grant(key: string, flight: Flight): void {
    if (this.flights.get(key) !== flight && flight.wish !== 'cancel') return;
    if (flight.wish === 'pause') this.uppy.pauseResume(flight.id);
    else if (flight.wish === 'cancel') this.uppy.removeFile(flight.id);
    flight.wish = null;
  }

  pause(key: string): void {
    const flight = this.flights.get(key);
    if (!flight) return;
    if (flight.begun) this.uppy.pauseResume(flight.id);
    else flight.wish = 'pause';
  }

  resume(key: string): void {
    const flight = this.flights.get(key);
    if (!flight) return;
    if (flight.wish === 'pause') flight.wish = null;
    else this.uppy.pauseResume(flight.id);
  }

  cancel(key: string): void {
    const flight = this.flights.get(key);
    if (!flight) return;
    this.flights.delete(key);
    if (flight.begun) this.uppy.removeFile(flight.id);
    else flight.wish = 'cancel';
  }
}
