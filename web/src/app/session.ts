// SPDX-License-Identifier: Apache-2.0
//
// Who is here. The session itself is a cookie that scripts cannot read; the page only knows whether requests are let in.
//
//   starting --> setup (nobody exists yet) --> in
//            \-> login ----------------------> in --401--> expired (the page stays, a dialog asks for the password) --> in

import { signal } from '@preact/signals';
import { getConfig, getMe, login, logout, signUp } from '../api/calls.ts';
import { ApiError, hooks } from '../api/http.ts';
import type { ServerConfig, User } from '../api/types.ts';
import { serverBack } from './connection.ts';

export type Phase = 'starting' | 'setup' | 'login' | 'in' | 'expired';

export const phase = signal<Phase>('starting');
export const user = signal<User | null>(null);
export const config = signal<ServerConfig | null>(null);

hooks.unauthorised = () => {
  if (phase.value === 'in') phase.value = 'expired';
};

/** Asks until the server answers: a page opened while it restarts should simply appear a moment later. */
export async function start(): Promise<void> {
  for (;;) {
    try {
      config.value = await getConfig();
      if (!config.value.isInitialized) {
        phase.value = 'setup';
        return;
      }
      user.value = await getMe();
      phase.value = 'in';
      return;
    } catch (err) {
      if (err instanceof ApiError && !err.unreachable) {
        phase.value = 'login';
        return;
      }
      await serverBack();
    }
  }
}

export async function signIn(email: string, password: string): Promise<void> {
  const before = user.value;
  await login(email, password);
  const me = await getMe();
  if (before && before.id !== me.id) {
    // Somebody else: nothing of the former person may stay in this page.
    location.reload();
    return;
  }
  user.value = me;
  phase.value = 'in';
}

export async function setUp(name: string, email: string, password: string, token: string | undefined): Promise<void> {
  await signUp(name, email, password, token);
  if (config.value) config.value = { ...config.value, isInitialized: true };
  phase.value = 'login';
  await signIn(email, password);
}

export async function signOut(): Promise<void> {
  await logout().catch(() => {});
  location.hash = '';
  location.reload();
}
