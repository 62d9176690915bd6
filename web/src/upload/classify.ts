// SPDX-License-Identifier: Apache-2.0
//
// What a failed upload means for the queue, and in words for the person.

import type { Failure } from './types.ts';

export interface Answer {
  status: number;
  body: string;
  retryAfter: string | null;
}

/** Servers say why in JSON ("message"), or as tus servers do: "ERR_CODE: words". */
export function wordsOf(body: string): string {
  const text = body.trim();
  if (text.startsWith('{')) {
    try {
      const message = (JSON.parse(text) as { message?: unknown }).message;
      return Array.isArray(message) ? message.join('. ') : typeof message === 'string' ? message : '';
    } catch {
      return '';
    }
  }
  // A page of HTML from some proxy explains nothing.
  if (text === '' || text.startsWith('<') || text.length > 200) return '';
  return text.replace(/^[A-Z][A-Z0-9_]+:\s*/, '');
}

const sentence = (text: string): string => {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
};

/** @param answer what the server said to the request that failed; null if nothing */
export function classify(answer: Answer | null): Failure {
  if (!answer || answer.status === 0) return { kind: 'network', message: 'The connection broke.' };
  const { status } = answer;
  const said = wordsOf(answer.body);
  const say = (otherwise: string): string => sentence(said || otherwise);
  switch (status) {
    case 401:
      return { kind: 'auth', message: 'You are signed out.' };
    case 507:
      return { kind: 'full', message: say('The disk of the server is full') };
    case 429:
      return { kind: 'busy', message: say('The server asks to wait'), after: Number(answer.retryAfter) || 5 };
    case 409:
    case 423:
      return { kind: 'busy', message: say('The server is still busy with this file'), after: 3 };
    case 413:
      return { kind: 'refused', message: say('The file is larger than the server allows') };
    case 415:
    case 422:
      return { kind: 'refused', message: say('Not a kind of picture that albumen knows') };
    default:
      if (status >= 500) return { kind: 'network', message: say(`The server failed (${status})`) };
      return { kind: 'refused', message: say(`The server refused the file (${status})`) };
  }
}
