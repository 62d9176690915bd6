// SPDX-License-Identifier: Apache-2.0
//
// Other tabs of the same person. They share one memory of unfinished uploads, and a file that another tab is sending right
// now is not unfinished: it must be neither listed nor forgotten here. So a tab that opens asks the others what they have.
// (A channel, not the browser's locks: those do not exist on plain http, which is what most homes use.)

/** Tabs answer within a few milliseconds unless they are very busy; one that sleeps sends nothing either. */
const patience = 400;

type Message = { ask: true } | { sending: string[] };

export class Siblings {
  private readonly channel: BroadcastChannel | null;
  private heard: Set<string> | null = null;

  /** @param sending the keys of the files that this tab has in hand */
  constructor(user: string, sending: () => string[]) {
    this.channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(`albumen-uploads-${user}`);
    if (!this.channel) return;
    this.channel.onmessage = ({ data }: MessageEvent<Message>) => {
      if ('ask' in data) {
        const keys = sending();
        if (keys.length) this.channel!.postMessage({ sending: keys } satisfies Message);
      } else {
        data.sending.forEach((key) => this.heard?.add(key));
      }
    };
  }

  /** What other tabs are sending at this moment. */
  async busyKeys(): Promise<ReadonlySet<string>> {
    const heard = (this.heard = new Set<string>());
    if (!this.channel) return heard;
    this.channel.postMessage({ ask: true } satisfies Message);
    await new Promise((resolve) => setTimeout(resolve, patience));
    this.heard = null;
    return heard;
  }
}
