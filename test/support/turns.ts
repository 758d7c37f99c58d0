// The conversations of a capture as turns, for a reader to hear in other pieces than they came in.

import { Eavesdropper } from '../../src/core/eavesdrop/eavesdropper.ts';
import type { Protocol, Reader, Talk } from '../../src/core/eavesdrop/reader.ts';
import { AnyReader } from '../../src/core/pcap/reader.ts';
import { Sight } from '../../src/core/reassembly/sight.ts';
import { captureBytes } from './captures.ts';
import type { Turn } from './overheard.ts';

export interface Heard {
  readonly serverPort: number;
  readonly transport: 'TCP' | 'UDP';
  readonly turns: Turn[];
}

/** In the order in which they begin; those in which nothing was said are left out. */
export function conversationsOf(capture: string): Heard[] {
  const all: Heard[] = [];
  const recorder: Protocol = {
    name: 'any',
    ports: [],
    transports: ['TCP', 'UDP'],
    claim: () => 'mine',
    reader: (talk) => record(talk, all),
  };
  const sight = new Sight();
  const eavesdropper = new Eavesdropper({ protocols: [recorder] });
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    eavesdropper.observe(sight, meta);
  });
  reader.push(captureBytes(capture));
  reader.end();
  eavesdropper.end();
  return all.filter(({ turns }) => turns.length > 0);
}

function record(talk: Talk, all: Heard[]): Reader {
  const { serverPort, transport } = talk;
  const turns: Turn[] = [];
  all.push({ serverPort, transport, turns });
  return {
    said: (side) => {
      const speech = side === 0 ? talk.client : talk.server;
      if (speech.length > 0) turns.push([side === 0 ? 'C' : 'S', speech.bytes(0, speech.length)]);
      speech.take(speech.length);
      return true;
    },
    lost: (side, bytes) => {
      turns.push([side === 0 ? 'C' : 'S', bytes]);
      return true;
    },
    ended: () => {},
  };
}

/** All conversations of a capture, or those with these places in their order, as samples by name. */
export function samplesOf(capture: string, ...wanted: number[]): Record<string, readonly Turn[]> {
  const all = conversationsOf(capture);
  const chosen = wanted.length === 0 ? all.map((_, i) => i) : wanted;
  const name = capture.slice(capture.lastIndexOf('/') + 1);
  return Object.fromEntries(chosen.map((i) => [`${name}, conversation ${i + 1}`, (all[i] as Heard).turns]));
}
