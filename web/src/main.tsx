// SPDX-License-Identifier: Apache-2.0
//
// The page of albumen. It speaks to the server over the public HTTP API only.
//
//   api/      the API: one client, typed calls
//   app/      session, address, frame of the page
//   library/  the timeline: where the photos come from, where they stand, how they are shown
//   viewer/   one photo, large
//   cache/    the administrator's page of the caches
//   upload/   files on their way to the server
//   ui/       small things everybody uses

import { render } from 'preact';
import './style/main.css';
import { App } from './app/app.tsx';
import { start } from './app/session.ts';

// Where nothing takes files (signing in), a dropped photo must not replace the page.
addEventListener('dragover', (e) => e.preventDefault());
addEventListener('drop', (e) => e.preventDefault());

render(<App />, document.getElementById('app')!);
void start();
