// Asks for a name at a rate, as programs look names up, and prints the answer when it is another one than before.

import type { DnsSpec } from '../../engine/model/workload.ts';
import type { Program } from '../program.ts';
import { openLoop } from './open-loop.ts';

export function dns(spec: DnsSpec): Program {
  return async (context) => {
    const { dns, time, tally } = context;
    const peer = tally.peer(spec.name);
    const underWay = new Set<Promise<void>>();
    let last = '';
    const print = (answer: string): void => {
      if (answer !== last) context.out(`${spec.name}: ${answer}\n`);
      last = answer;
    };
    await openLoop(context, spec, () => {
      peer.begin();
      const began = time.now;
      const asked = new Promise<void>((done) => {
        dns.lookup(spec.name, { all: true }, (error, addresses) => {
          if (error === null) {
            peer.request(time.now - began);
            print(addresses.map(({ address }) => address).join(' '));
          } else {
            const code = error.code ?? 'ENOTFOUND';
            peer.failure(code);
            print(code);
          }
          done();
        });
      });
      underWay.add(asked);
      asked.then(() => underWay.delete(asked));
    });
    if (!context.signal.aborted) await Promise.all(underWay);
  };
}
