// A program that stands between a client and a server and writes down what they say.

import type { Program } from '../../../src/apps/program.ts';

/** What one side of a connection said, in the order of all. */
export interface Said {
  /** Nanoseconds. */
  readonly at: number;
  readonly port: number;
  readonly stream: number;
  readonly byClient: boolean;
  readonly bytes: Buffer;
}

/** Hands connections on and writes down what goes through. */
export function relay(port: number, to: string, said: Said[]): Program {
  return ({ net, time, signal }) => {
    return new Promise<void>((done) => {
      let streams = 0;
      const server = net.createServer({ allowHalfOpen: true }, (near) => {
        const stream = streams++;
        const far = net.connect({ host: to, port, allowHalfOpen: true });
        for (const [from, into, byClient] of [
          [near, far, true],
          [far, near, false],
        ] as const) {
          from.on('data', (bytes: Buffer) => {
            said.push({ at: time.now, port, stream, byClient, bytes: Buffer.from(bytes) });
            into.write(bytes);
          });
          from.on('end', () => into.end());
          from.on('error', () => into.destroy());
        }
      });
      server.listen(port);
      signal.addEventListener('abort', () => server.close(() => done()));
    });
  };
}
