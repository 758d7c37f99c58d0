// Scapy as the judge of `vxlab craft`: the same layers with the same fields are the same bytes, with lengths, checksums and the
// numbers of what comes next worked out by each. Needs python3 with Scapy.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { craft, LAYER_KINDS, layer } from '../../src/core/craft/craft.ts';
import type { LayerKind } from '../../src/core/craft/layer.ts';
import { toHex } from '../support/bytes.ts';
import { runTool } from '../support/peers.ts';
import { tries } from '../support/properties.ts';

const PYTHON = ['python3', '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import scapy.layers.vxlan'], { timeout: 20_000 }).status === 0,
);
if (PYTHON === undefined)
  console.error('python3 with Scapy is not installed: the tests that compare with it are skipped');

type Fields = Readonly<Record<string, string | number>>;
interface Told {
  readonly layers: readonly (readonly [string, Fields])[];
  readonly payload: string;
}

const KINDS = new Map(LAYER_KINDS.map((kind) => [kind.name, kind]));

function ours({ layers, payload }: Told): string {
  const made = layers.map(([name, fields]) => {
    const text = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
    return layer(KINDS.get(name) as LayerKind, text.join(','));
  });
  return toHex(craft(made, Buffer.from(payload, 'hex')));
}

function theirs(told: readonly Told[]): string[] {
  const path = fileURLToPath(new URL('scapy/craft.py', import.meta.url));
  return JSON.parse(runTool(PYTHON as string, [path], Buffer.from(JSON.stringify(told)))) as string[];
}

const number = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const ip4 = fc.ipV4();
const ip6 = fc
  .tuple(number(0xffff), number(0xffff))
  .map(([a, b]) => `2001:db8:${(a | 1).toString(16)}::${(b | 1).toString(16)}`);
const mac = fc
  .array(number(255), { minLength: 6, maxLength: 6 })
  .map((bytes) => bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':'));
const some = (fields: Record<string, fc.Arbitrary<string | number>>): fc.Arbitrary<Fields> =>
  fc.record(fields);

type Part = readonly (readonly [string, Fields])[];
const one = (name: string, fields: fc.Arbitrary<Fields>): fc.Arbitrary<Part> =>
  fields.map((given) => [[name, given]]);
const join = (...parts: fc.Arbitrary<Part>[]): fc.Arbitrary<Part> =>
  fc.tuple(...parts).map((all) => all.flat());

const ether = one('ether', some({ src: mac, dst: mac }));
const tags = fc.oneof(
  fc.constant<Part>([]),
  one('dot1q', some({ vlan: number(4095), prio: number(7) })),
  join(one('dot1ad', some({ vlan: number(4095) })), one('dot1q', some({ vlan: number(4095) }))),
);
const ip = one(
  'ip',
  some({ src: ip4, dst: ip4, ttl: number(255), tos: number(255), id: number(0xffff), flags: number(7) }),
);
const ipv6 = one(
  'ipv6',
  some({ src: ip6, dst: ip6, hlim: number(255), tc: number(255), fl: number(0xfffff) }),
);
const ports = { sport: number(0xffff), dport: fc.integer({ min: 20_000, max: 20_100 }) };
const tcp = one(
  'tcp',
  some({
    ...ports,
    seq: number(0xffff_ffff),
    ack: number(0xffff_ffff),
    flags: number(0x1ff),
    window: number(0xffff),
  }),
);
const transport = fc.oneof(one('udp', some(ports)), tcp);
const icmp = one('icmp', some({ type: fc.constant(8), id: number(0xffff), seq: number(0xffff) }));
const icmpv6 = one('icmpv6', some({ id: number(0xffff), seq: number(0xffff) }));
const packet = fc.oneof(join(ip, fc.oneof(transport, icmp)), join(ipv6, fc.oneof(transport, icmpv6)));
const arp = one(
  'arp',
  some({ op: fc.integer({ min: 1, max: 2 }), hwsrc: mac, psrc: ip4, hwdst: mac, pdst: ip4 }),
);
const frame = join(ether, tags, fc.oneof(packet, arp));
const vxlan = one(
  'vxlan',
  some({ vni: number(0xffffff), flags: fc.constantFrom(8, 0), reserved2: number(255) }),
);
const tunnel = join(
  fc.oneof(ip, ipv6),
  one('udp', some({ sport: number(0xffff), dport: fc.constant(4789) })),
  vxlan,
);
const anything = fc.oneof(frame, join(ether, tunnel, frame), join(ether, tunnel, ether, tunnel, frame));
const payload = fc.uint8Array({ maxLength: 60 }).map((bytes) => toHex(bytes));

describe.skipIf(PYTHON === undefined)('Scapy builds the same bytes', () => {
  test('of any layers with any fields', { timeout: 60_000 }, () => {
    const { numRuns, seed } = tries(400);
    const told = fc.sample(fc.record({ layers: anything, payload }), {
      numRuns,
      ...(seed !== undefined && { seed }),
    });
    const built = theirs(told);
    for (const [i, each] of told.entries()) expect(ours(each), JSON.stringify(each)).toBe(built[i]);
  });

  test('also where a field is a lie', { timeout: 60_000 }, () => {
    const told: Told[] = [
      {
        layers: [
          ['ether', { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02', type: 0x1234 }],
          [
            'ip',
            {
              src: '10.0.0.1',
              dst: '10.0.0.2',
              len: 7,
              ihl: 15,
              chksum: 1,
              version: 9,
              proto: 200,
              frag: 77,
            },
          ],
          ['udp', { sport: 1, dport: 2, len: 65_535, chksum: 0xdead }],
        ],
        payload: '00',
      },
      {
        layers: [
          ['ipv6', { src: '2001:db8::1', dst: '2001:db8::2', plen: 3, nh: 0, version: 5 }],
          [
            'tcp',
            {
              sport: 1,
              dport: 2,
              dataofs: 1,
              reserved: 7,
              chksum: 9,
              seq: 0,
              ack: 0,
              flags: 2,
              window: 8192,
            },
          ],
        ],
        payload: 'ff00',
      },
      {
        layers: [
          [
            'arp',
            {
              hwtype: 1,
              ptype: 0x0800,
              hwlen: 6,
              plen: 4,
              op: 99,
              hwsrc: '02:00:00:00:00:01',
              psrc: '10.0.0.1',
              hwdst: '00:00:00:00:00:00',
              pdst: '10.0.0.2',
            },
          ],
        ],
        payload: '',
      },
    ];
    expect(told.map(ours)).toEqual(theirs(told));
  });
});
