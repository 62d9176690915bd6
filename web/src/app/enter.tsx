// SPDX-License-Identifier: Apache-2.0
//
// The doors: first set-up, signing in, and signing in again without losing the page behind it.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { ApiError } from '../api/http.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon, Mark } from '../ui/icons.tsx';
import { setupToken } from './router.ts';
import { config, setUp, signIn, signOut, user } from './session.ts';

function Field(props: {
  label: string;
  name: string;
  type?: string;
  autocomplete: string;
  value?: string;
  hint?: string;
  autofocus?: boolean;
  minLength?: number;
}) {
  const id = useId();
  const shown = useSignal(false);
  const password = props.type === 'password';
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <div class="field-box">
        <input
          id={id}
          name={props.name}
          type={password && shown.value ? 'text' : (props.type ?? 'text')}
          autocomplete={props.autocomplete as 'username'}
          defaultValue={props.value ?? ''}
          minLength={props.minLength}
          required
          autofocus={props.autofocus}
          autocapitalize="none"
          spellcheck={false}
          aria-describedby={props.hint ? `${id}-hint` : undefined}
        />
        {password && (
          <button type="button" class="field-show" aria-pressed={shown.value} onClick={() => (shown.value = !shown.value)}>
            {shown.value ? 'Hide' : 'Show'}
          </button>
        )}
      </div>
      {props.hint && (
        <p class="field-hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

/** A form that sends itself once, says what went wrong, and keeps what was typed. */
function Form(props: { submit: string; send: (data: FormData) => Promise<void>; children: ComponentChildren }) {
  const busy = useSignal(false);
  const error = useSignal('');
  const form = useRef<HTMLFormElement>(null);
  const onSubmit = async (e: Event): Promise<void> => {
    e.preventDefault();
    if (busy.value) return;
    busy.value = true;
    error.value = '';
    try {
      await props.send(new FormData(form.current!));
    } catch (err) {
      error.value = err instanceof Error ? err.message : String(err);
      form.current?.querySelector<HTMLInputElement>('input[type=password]')?.select();
    } finally {
      busy.value = false;
    }
  };
  return (
    <form ref={form} onSubmit={(e) => void onSubmit(e)}>
      {props.children}
      <p class="form-error" role="alert">
        {error.value && (
          <>
            <Icon name="alert" size={17} /> {error.value}
          </>
        )}
      </p>
      <button class="button primary wide" disabled={busy.value}>
        {busy.value ? 'One moment…' : props.submit}
      </button>
    </form>
  );
}

function Gate({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <main class="enter">
      <div class="enter-card">
        <div class="enter-mark">
          <Mark size={52} />
          <span class="wordmark">albumen</span>
        </div>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}

async function tryToSignIn(name: string, password: string): Promise<void> {
  try {
    await signIn(name, password);
  } catch (err) {
    if (err instanceof ApiError && err.status === 401) throw new Error('Name or password is not right.');
    if (err instanceof ApiError && err.status === 429) throw new Error('Too many tries. Wait a moment, then try again.');
    throw err;
  }
}

export function SignIn() {
  const note = config.value?.loginPageMessage;
  return (
    <Gate title="Sign in">
      {note && <p class="enter-note">{note}</p>}
      <Form submit="Sign in" send={(d) => tryToSignIn(String(d.get('user')).trim(), String(d.get('password')))}>
        <Field label="Name or e-mail" name="user" autocomplete="username" autofocus />
        <Field label="Password" name="password" type="password" autocomplete="current-password" />
      </Form>
    </Gate>
  );
}

export function SetUp() {
  const send = async (d: FormData): Promise<void> => {
    const text = (key: string): string => String(d.get(key)).trim();
    const password = String(d.get('password'));
    if (password !== String(d.get('again'))) throw new Error('The two passwords differ.');
    const token = setupToken ?? (text('token') || undefined);
    try {
      await setUp(text('name'), text('email'), password, token);
    } catch (err) {
      if (err instanceof ApiError && (err.status === 401 || err.status === 403)) {
        throw new Error('This set-up link is not valid. The server prints the current one when it starts.');
      }
      throw err;
    }
  };
  return (
    <Gate title="Welcome">
      <p class="enter-note">This library is new. Choose who looks after it: the first account is its administrator.</p>
      <Form submit="Create the library" send={send}>
        <Field label="Your name" name="name" autocomplete="name" autofocus />
        <Field label="E-mail" name="email" type="email" autocomplete="username" hint="To sign in with. Nothing is ever sent to it." />
        <Field label="Password" name="password" type="password" autocomplete="new-password" minLength={8} hint="At least 8 characters." />
        <Field label="Password again" name="again" type="password" autocomplete="new-password" />
        {!setupToken && (
          <Field label="Set-up code" name="token" autocomplete="one-time-code" hint="The end of the link that the server printed when it started." />
        )}
      </Form>
    </Gate>
  );
}

export function SignInAgain() {
  const name = user.value?.email ?? '';
  return (
    <Dialog title="Sign in again" onClose={() => {}}>
      <p>Your session has ended. Nothing is lost: uploads continue when you are back.</p>
      <Form submit="Sign in" send={(d) => tryToSignIn(String(d.get('user')).trim(), String(d.get('password')))}>
        <Field label="Name or e-mail" name="user" autocomplete="username" value={name} />
        <Field label="Password" name="password" type="password" autocomplete="current-password" autofocus />
      </Form>
      <button class="quiet-link" onClick={() => void signOut()}>
        Leave
      </button>
    </Dialog>
  );
}
