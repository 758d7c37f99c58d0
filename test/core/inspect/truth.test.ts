import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { L } from '../../../src/core/dissect/layer.ts';
import type { Packet } from '../../../src/core/pcap/index.ts';
import type { Reading } from '../../support/columns.ts';
import { packetsOf, readPacket, stackOf, values } from '../../support/columns.ts';

// tshark 4.0.17's reading of real Docker, kernel and Open vSwitch traffic, a row a packet: fixtures/captures/truth, made
// with 8472 and 7789 as VXLAN ports, checksums verified, TCP numbers raw, TCP streams not reassembled.

const CAPTURES = new URL('../../../fixtures/captures/', import.meta.url);

/** What the truth has that is no matter of one packet's fields, or that has rules of its own below. */
const NOT_FIELDS = new Set([
  'frame.number',
  'frame.time_epoch',
  'frame.len',
  'frame.cap_len',
  'frame.protocols',
  'http.authbasic',
  'urlencoded-form.key',
  'urlencoded-form.value',
  '_ws.col.Protocol',
  '_ws.col.Info',
]);

/** The differences that are meant, each with its reason. */
const MEANT: readonly { file: RegExp; packets: readonly number[]; columns: RegExp; reason: string }[] = [
  {
    file: /snaplen96/,
    packets: [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
    columns: /^tcp\.(seq|ack)_raw$/,
    reason:
      'the cut is in the options; tshark then hides the numbers in front of them, we show what is there',
  },
  {
    file: /any-sll2/,
    packets: [42, 46],
    columns: /^http\./,
    reason: 'seen before on another interface: tshark calls it a retransmission and reads no HTTP',
  },
  {
    file: /concatenated-2sections/,
    packets: [32, 34],
    columns: /^http\./,
    reason: 'the same packets came in the first section: as above',
  },
];

/** The protocols whose Info column one packet alone can give. */
const INFO = new Set(['ARP', 'ICMP', 'ICMPv6', 'UDP', 'DNS', 'IGMPv3', 'STP', 'IPv4', 'IPv6']);

/** What tshark adds from packets before and after. */
const STATEFUL = / \((?:request|reply) in \d+\)| \(no response found!\)| \(duplicate use of \S+ detected!\)/g;

/** tshark prints a datagram's fields at its last fragment, we where they stand: of a fragment only the front counts. */
function fragmentLayer(reading: Reading): number {
  return reading.tree.layers.findIndex(
    (layer) =>
      !layer.quoted &&
      layer.fields.some(
        (f) => (f.name === 'ip.flags.mf' && f.value === 1) || (f.name === 'ip.frag_offset' && f.value !== 0),
      ),
  );
}

function upTo(reading: Reading, layer: number): Reading {
  const layers = reading.tree.layers.slice(0, layer + 1);
  return { ...reading, tree: { ...reading.tree, layers }, protocols: layers.map((l) => l.protocol) };
}

function compare(
  file: string,
  number: number,
  reading: Reading,
  columns: readonly string[],
  row: readonly string[],
): string[] {
  const found: string[] = [];
  const differ = (column: string, ours: string, theirs: string): void => {
    const meant = MEANT.some(
      (m) => m.file.test(file) && m.packets.includes(number) && m.columns.test(column),
    );
    if (ours !== theirs && !meant) found.push(`${file}#${number} ${column}: ours ${ours}, tshark ${theirs}`);
  };
  const fragment = fragmentLayer(reading);
  const seen = fragment < 0 ? reading : upTo(reading, fragment);
  const gpe = values(reading, 'vxlan.next_proto').length > 0;
  columns.forEach((column, i) => {
    const theirs = row[i] ?? '';
    if (column === 'frame.protocols') {
      const ours = stackOf(seen.protocols, gpe);
      const stack = stackOf(theirs.split(':'), gpe);
      differ(column, ours, fragment < 0 ? stack : stack.slice(0, ours.length));
    } else if (!NOT_FIELDS.has(column)) {
      const ours = values(seen, column);
      differ(column, ours.join(';'), fragment < 0 ? theirs : front(theirs, ours.length));
    }
  });
  if (INFO.has(row.at(-2) ?? '')) {
    const info = (row.at(-1) ?? '').replace(STATEFUL, '').trimEnd();
    // The last fragment's row tells of the whole datagram.
    if (fragment >= 0 && !info.startsWith('Fragmented')) return found;
    differ('Protocol', reading.summary.protocol, row.at(-2) ?? '');
    differ('Info', reading.summary.info.trimEnd(), info);
  }
  return found;
}

function front(joined: string, count: number): string {
  return joined.split(';').slice(0, count).join(';');
}

const truths = readdirSync(new URL('truth/', CAPTURES))
  .map((name) => ({ name, capture: name.replace(/\.tsv$/, '').replace('_', '/') }))
  // No reader for these here: zstd needs a newer Node, snoop is not pcap.
  .filter(({ capture }) => !/\.(zst|snoop)$/.test(capture));

function packets(capture: string): readonly Packet[] {
  return packetsOf(readFileSync(new URL(capture, CAPTURES)));
}

function rowsOf(name: string): string[][] {
  const text = readFileSync(new URL(`truth/${name}`, CAPTURES), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

describe('every field of every packet is what tshark 4.0.17 reads', () => {
  test.each(truths)('$capture', ({ name, capture }) => {
    expect(existsSync(new URL(capture, CAPTURES))).toBe(true);
    const [columns = [], ...rows] = rowsOf(name);
    const read = packets(capture);
    expect(read.length).toBe(rows.length);
    const found = read.flatMap((packet, i) =>
      compare(capture, packet.number, readPacket(packet), columns, rows[i] as string[]),
    );
    expect(found).toEqual([]);
  });

  test('the truth covers more than a thousand tunnelled packets, fragments and quotes', () => {
    let tunnelled = 0;
    let fragments = 0;
    let quotes = 0;
    for (const { capture } of truths) {
      for (const packet of packets(capture)) {
        const reading = readPacket(packet);
        if (reading.d.vxlan >= 0) tunnelled++;
        if (fragmentLayer(reading) >= 0) fragments++;
        for (let row = 0; row < reading.d.count; row++) {
          if (reading.d.quoted(row) && reading.d.kind(row) === L.ipv4) quotes++;
        }
      }
    }
    expect(tunnelled).toBeGreaterThan(1000);
    expect(fragments).toBeGreaterThan(20);
    expect(quotes).toBeGreaterThan(50);
  });

  test('no difference is expected that is not there', () => {
    for (const m of MEANT) {
      const { name, capture } = truths.find((t) => m.file.test(t.capture)) as (typeof truths)[number];
      const [columns = [], ...rows] = rowsOf(name);
      const read = packets(capture);
      for (const number of m.packets) {
        const reading = readPacket(read[number - 1] as Packet);
        const row = rows[number - 1] as string[];
        const differs = columns.some(
          (column, i) => m.columns.test(column) && values(reading, column).join(';') !== row[i],
        );
        expect(differs, `${capture}#${number}: ${m.reason}`).toBe(true);
      }
    }
  });
});
