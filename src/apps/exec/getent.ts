// `getent hosts` and `getent ahosts`: what the container's own resolver makes of a name, or of an address.

import { isIP } from 'node:net';
import { lookUp } from './names.ts';
import type { ToolContext } from './tool.ts';

/** getent's codes: 1 for a database that is not there, 2 for a key that is not found. */
const NO_DATABASE = 1;
const NOT_FOUND = 2;

export async function getent(context: ToolContext): Promise<number> {
  const [database, ...keys] = context.argv;
  const families = { hosts: 0, ahosts: 0, ahostsv4: 4, ahostsv6: 6 } as const;
  if (database === undefined || !Object.hasOwn(families, database)) {
    context.err(`Unknown database: ${database ?? ''}\nhere are ${Object.keys(families).join(', ')}\n`);
    return NO_DATABASE;
  }
  let code = 0;
  for (const key of keys) {
    const lines = await rows(context, database, key, families[database as keyof typeof families]);
    if (lines.length === 0) code = NOT_FOUND;
    context.out(lines.map((line) => `${line}\n`).join(''));
  }
  return code;
}

async function rows(
  context: ToolContext,
  database: string,
  key: string,
  family: 0 | 4 | 6,
): Promise<string[]> {
  const pad = (address: string): string => address.padEnd(15);
  if (database === 'hosts' && isIP(key) !== 0) {
    const names = await context.dns.promises.reverse(key).catch(() => []);
    return names.length === 0 ? [] : [`${pad(key)} ${names.join(' ')}`];
  }
  const { addresses } = await lookUp(context, key, family);
  if (database === 'hosts') return addresses.map((address) => `${pad(address)} ${key}`);
  return addresses.flatMap((address, i) => [
    `${pad(address)} STREAM${i === 0 ? ` ${key}` : ''}`,
    `${pad(address)} DGRAM`,
    `${pad(address)} RAW`,
  ]);
}
