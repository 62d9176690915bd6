// SPDX-License-Identifier: Apache-2.0
//
// What modules of the page expect of a browser when they are loaded. Imported before them.
Object.assign(globalThis, {
  document: { baseURI: 'http://host/sub/' },
  location: { hash: '' },
  history: { replaceState: () => {}, pushState: () => {}, back: () => {} },
  addEventListener: () => {},
  removeEventListener: () => {},
});

export interface Asked {
  method: string;
  path: string;
  body: unknown;
}

/** Answers fetch from a table of functions; whatever is not in it is a 404. */
export function serve(answers: Record<string, (query: URLSearchParams, body: never) => unknown>): Asked[] {
  const asked: Asked[] = [];
  globalThis.fetch = (async (input: string, init: RequestInit) => {
    const url = new URL(input);
    const path = url.pathname.replace('/sub/api', '');
    const body = init.body ? JSON.parse(String(init.body)) : undefined;
    asked.push({ method: init.method!, path: path + url.search, body });
    const answer = answers[`${init.method} ${path}`];
    if (!answer) return new Response('{"message":"Not found"}', { status: 404 });
    init.signal?.throwIfAborted();
    const value = await answer(url.searchParams, body as never);
    init.signal?.throwIfAborted();
    return new Response(JSON.stringify(value), { status: 200 });
  }) as typeof fetch;
  return asked;
}
