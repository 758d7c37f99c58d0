// Compares our reading of captures with tshark's, field by field, and prints every difference.
//
//   npx tsx scripts/tshark-compare.ts [--limit N] FILE...
//
// Reassembly is off on both sides, checksums are verified, TCP numbers are raw. Ends with 1 when something differs, 4 when
// tshark is missing.

import { readFileSync } from 'node:fs';
import type { Reading } from '../test/support/columns.ts';
import { packetsOf, readPacket, stackOf, values } from '../test/support/columns.ts';
import { FIELDS, tshark } from '../test/support/tshark.ts';

const COMPARED = FIELDS.filter((name) => !name.startsWith('frame.'));
const COLUMNS = ['frame.protocols', '_ws.col.Protocol', '_ws.col.Info', ...COMPARED];

const INFO_PROTOCOLS = new Set([
  'ARP',
  'ICMP',
  'ICMPv6',
  'UDP',
  'DNS',
  'IGMPv1',
  'IGMPv2',
  'IGMPv3',
  'MDNS',
  'LLMNR',
  'STP',
]);

/** What only the packets around this one can tell. */
const STATEFUL =
  / \((?:request|reply) in \d+\)| \(no response found!\)| \(duplicate use of \S+ detected!\)|\[Malformed Packet\]/g;

function differences(reading: Reading, row: readonly string[]): string[] {
  const found: string[] = [];
  const compare = (name: string, ours: string, theirs: string): void => {
    if (ours !== theirs) found.push(`${name}: ours ${ours || '-'}, tshark ${theirs || '-'}`);
  };
  const gpe = values(reading, 'vxlan.next_proto').length > 0;
  compare('protocols', stackOf(reading.protocols, gpe), stackOf((row[0] ?? '').split(':'), gpe));
  const protocol = row[1] ?? '';
  if (INFO_PROTOCOLS.has(protocol) && !/[Ff]ragment/.test(reading.summary.info)) {
    compare('Protocol', reading.summary.protocol, protocol);
    const theirs = (row[2] ?? '').replace(STATEFUL, '').trimEnd();
    compare('Info', reading.summary.info.replace(STATEFUL, '').trimEnd(), theirs);
  }
  COMPARED.forEach((name, i) => {
    compare(name, values(reading, name).join(';'), row[i + 3] ?? '');
  });
  return found;
}

async function compareFile(file: string, limit: number): Promise<number> {
  const { rows } = await tshark(file, COLUMNS, false);
  const packets = packetsOf(readFileSync(file));
  let total = 0;
  if (rows.length !== packets.length) {
    console.log(`${file}: ours has ${packets.length} packets, tshark ${rows.length}`);
    total++;
  }
  packets.forEach((packet, i) => {
    const row = rows[i];
    if (row === undefined) return;
    for (const line of differences(readPacket(packet), row)) {
      if (total++ < limit) console.log(`${file}#${packet.number} ${line}`);
    }
  });
  return total;
}

async function main(args: string[]): Promise<number> {
  const at = args.indexOf('--limit');
  const limit = at < 0 ? 20 : Number(args.splice(at, 2)[1]);
  let total = 0;
  for (const file of args) {
    try {
      const count = await compareFile(file, limit);
      if (count > 0) console.log(`${file}: ${count} differences`);
      total += count;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && String(error).includes('tshark')) {
        console.error('tshark is missing; install it with: apt-get install tshark');
        return 4;
      }
      throw error;
    }
  }
  console.log(`${args.length} files, ${total} differences`);
  return total === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
