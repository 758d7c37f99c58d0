// One address of a name, asked for until it is there: containers start in any order, and a name is known only when its
// service has tasks.

import type { ProgramContext } from '../program.ts';
import { slept } from './open-loop.ts';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

const RETRY = 1e9;

/** @returns null when the program is to end first */
export async function addressOf(context: ProgramContext, name: string): Promise<Address | null> {
  let told = false;
  while (!context.signal.aborted) {
    const found = await lookup(context, name);
    if (typeof found !== 'string') return found;
    if (!told) context.err(`${name}: ${found}\n`);
    told = true;
    context.tally.peer(name).failure(found);
    if (!(await slept(context.time, RETRY, context.signal))) break;
  }
  return null;
}

/** The code of the error where there is no address. */
function lookup({ dns }: ProgramContext, name: string): Promise<Address | string> {
  return new Promise((done) => {
    dns.lookup(name, (error, address, family) => {
      done(error === null ? { address, family: family === 6 ? 6 : 4 } : (error.code ?? 'ENOTFOUND'));
    });
  });
}
