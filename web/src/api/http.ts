// SPDX-License-Identifier: Apache-2.0
//
// One place where the page speaks HTTP. It tells three kinds of failure apart, because people need three different things:
// the server refused (ApiError: show its reason), the session ended (401: sign in again, keep everything), or nobody
// answered (ApiError.unreachable: say so once, in the banner, and come back by ourselves).

import { signal } from '@preact/signals';

export const base = new URL('.', document.baseURI);
export const apiUrl = (path: string): string => new URL(`api${path}`, base).href;

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
    this.name = 'ApiError';
  }
  /** Nobody answered, or only a proxy did. */
  get unreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

/** False from the first unanswered request until the server answers again. */
export const reachable = signal(true);
/** Set by the session: called on every 401 of a request that should have been signed in. */
export const hooks = { unauthorised: (): void => {} };

export interface RequestOptions {
  body?: unknown;
  signal?: AbortSignal;
  /** A 401 is this request's own business (signing in, asking who we are). */
  ownAuth?: boolean;
  /** The path is one of the server itself, not of the API. */
  root?: boolean;
  /** This answer is one, too: /health says 503 and why. */
  takes?: number;
}

export async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const init: RequestInit = { method, credentials: 'same-origin', headers: { accept: 'application/json' } };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
    init.body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(options.root ? new URL(path.slice(1), base).href : apiUrl(path), init);
  } catch (err) {
    if ((err as Error).name === 'AbortError') throw err;
    reachable.value = false;
    throw new ApiError('The server does not answer.', 0);
  }
  if (!response.ok && response.status !== options.takes) throw await failure(response, options);
  reachable.value = true;
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function failure(response: Response, options: RequestOptions): Promise<ApiError> {
  const error = new ApiError(await reason(response), response.status);
  if (error.unreachable) reachable.value = false;
  else reachable.value = true;
  if (response.status === 401 && !options.ownAuth) hooks.unauthorised();
  return error;
}

/** What the server says about its refusal: Immich's error bodies carry `message`, a text or a list. */
async function reason(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { message?: unknown };
    if (Array.isArray(body.message)) return body.message.join('. ');
    if (typeof body.message === 'string' && body.message !== '') return body.message;
  } catch {
    // Not JSON: a proxy's page. The status has to do.
  }
  return `The server refused (${response.status}).`;
}
