// A program that takes datagrams and writes down what they say: who was reached from where.

import { once } from 'node:events';
import type { Program } from '../program.ts';

export interface Heard {
  readonly text: string;
  /** The sender's address, as the datagram says it. */
  readonly from: string;
  /** Virtual time; nanoseconds. */
  readonly time: number;
}

export function datagramServer(port: number, tell: (heard: Heard) => void): Program {
  return async ({ dgram, signal, time }) => {
    const socket = dgram.createSocket('udp4', (bytes, from) => {
      tell({ text: bytes.toString('latin1'), from: from.address, time: time.now });
    });
    socket.bind(port);
    if (!signal.aborted) await once(signal, 'abort');
    socket.close();
  };
}

export function datagramClient(server: string, port: number, text: string): Program {
  return async ({ dgram }) => {
    const socket = dgram.createSocket('udp4');
    await new Promise<void>((sent) => socket.send(Buffer.from(text, 'latin1'), port, server, () => sent()));
    socket.close();
  };
}
