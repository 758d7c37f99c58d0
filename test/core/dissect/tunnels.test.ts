import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Dissection, L, LAYER_PROTOCOLS } from '../../../src/core/dissect/layer.ts';
import { dissect } from '../../../src/core/dissect/walk.ts';
import { PcapWriter } from '../../../src/core/pcap/index.ts';
import { finish, sum } from '../../../src/core/wire/checksum.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { stackOf } from '../../support/columns.ts';
import { hasTool, runTool } from '../../support/peers.ts';

// Tunnels in tunnels and headers between, each built from its own document's picture, read by us and by tshark.

function word(value: number, bytes = 2): string {
  return value.toString(16).padStart(2 * bytes, '0');
}

function size(text: string): number {
  return hex(text).length;
}

function ether(type: number, payload: string): string {
  return `020000000002020000000001${word(type)}${payload}`;
}

function ip4(protocol: number, payload: string, total = size(payload) + 20): string {
  const header = `4500${word(total)}000100004000`.replace(
    /4000$/,
    `40${word(protocol, 1)}0000c0000201c0000202`,
  );
  const checksum = finish(sum(viewOf(hex(header)), 0, 20));
  return header.slice(0, 20) + word(checksum) + header.slice(24) + payload;
}

function ip6(next: number, payload: string, length = size(payload)): string {
  const address = (last: number): string => `20010db8${'00'.repeat(11)}${word(last, 1)}`;
  return `60000000${word(length)}${word(next, 1)}40${address(1)}${address(2)}${payload}`;
}

function udp(port: number, payload: string, length = size(payload) + 8): string {
  return `c350${word(port)}${word(length)}0000${payload}`;
}

function vx(payload: string, vni = 100): string {
  return `08000000${word(vni, 3)}00${payload}`;
}

function geneve(type: number, payload: string, options = ''): string {
  return `${word(size(options) / 4, 1)}00${word(type)}0003e800${options}${payload}`;
}

function gre(type: number, payload: string, flags = 0, fields = ''): string {
  return word(flags) + word(type) + fields + payload;
}

function tcp(payload = ''): string {
  return `c35001bb000000010000000250100100 00000000${payload}`.replace(' ', '');
}

/** The innermost frame of nearly all of them. */
const LEAF = ether(0x800, ip4(6, tcp()));
const VXLAN = udp(4789, vx(LEAF));
const LEAF_STACK = 'eth:ip:tcp';

/** Extension headers with their first byte, the next header, left to say. */
const HOP = (next: number): string => `${word(next, 1)}00 0104 00000000`.replaceAll(' ', '');
const DESTINATION = HOP;
const ROUTING = (next: number): string =>
  `${word(next, 1)}02 0400 00000000 20010db8${'00'.repeat(11)}02`.replaceAll(' ', '');
const ATOMIC = (next: number): string => `${word(next, 1)}00 0000 00000007`.replaceAll(' ', '');
const AH = (next: number): string =>
  `${word(next, 1)}04 0000 00000100 00000001 ${'ab'.repeat(12)}`.replaceAll(' ', '');

const ERSPAN2 = '1064 0064 00000001'.replaceAll(' ', '');
const erspan3 = (last: string): string => `20640064 00000001 0000${last}`.replaceAll(' ', '');

/** What it is, the frame, its layers. */
const CASES: readonly [string, string, string][] = [
  [
    'VXLAN in VXLAN',
    ether(0x800, ip4(17, udp(4789, vx(ether(0x800, ip4(17, VXLAN)), 7)))),
    `eth:ip:udp:vxlan:eth:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN over IPv6 in VXLAN over IPv4',
    ether(0x800, ip4(17, udp(4789, vx(ether(0x86dd, ip6(17, VXLAN)))))),
    `eth:ip:udp:vxlan:eth:ipv6:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN in Geneve',
    ether(0x800, ip4(17, udp(6081, geneve(0x6558, ether(0x800, ip4(17, VXLAN)))))),
    `eth:ip:udp:geneve:eth:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN in Geneve with options and no Ethernet',
    ether(0x800, ip4(17, udp(6081, geneve(0x800, ip4(17, VXLAN), '0102800100000000')))),
    `eth:ip:udp:geneve:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'Geneve in VXLAN',
    ether(0x800, ip4(17, udp(4789, vx(ether(0x86dd, ip6(17, udp(6081, geneve(0x6558, LEAF)))))))),
    `eth:ip:udp:vxlan:eth:ipv6:udp:geneve:${LEAF_STACK}`,
  ],
  [
    'VXLAN in GRE',
    ether(0x800, ip4(47, gre(0x800, ip4(17, VXLAN)))),
    `eth:ip:gre:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN over IPv6 in GRE with checksum, key and sequence number',
    ether(0x800, ip4(47, gre(0x86dd, ip6(17, VXLAN), 0xb000, '0000000000000007 00000001'.replace(' ', '')))),
    `eth:ip:gre:ipv6:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN in Ethernet in GRE with a key',
    ether(0x86dd, ip6(47, gre(0x6558, ether(0x800, ip4(17, VXLAN)), 0x2000, '00000007'))),
    `eth:ipv6:gre:eth:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN in ERSPAN type I',
    ether(0x800, ip4(47, gre(0x88be, ether(0x800, ip4(17, VXLAN))))),
    `eth:ip:gre:erspan:eth:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN in ERSPAN type II',
    ether(0x800, ip4(47, gre(0x88be, ERSPAN2 + ether(0x800, ip4(17, VXLAN)), 0x1000, '00000001'))),
    `eth:ip:gre:erspan:eth:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN in ERSPAN type III',
    ether(0x800, ip4(47, gre(0x22eb, erspan3('0000') + ether(0x800, ip4(17, VXLAN)), 0x1000, '00000001'))),
    `eth:ip:gre:erspan:eth:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN in ERSPAN type III with a platform header',
    ether(
      0x800,
      ip4(
        47,
        gre(0x22eb, `${erspan3('0001')}0400000000000000${ether(0x800, ip4(17, VXLAN))}`, 0x1000, '00000001'),
      ),
    ),
    `eth:ip:gre:erspan:eth:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  ['VXLAN in IPv4 in IPv4', ether(0x800, ip4(4, ip4(17, VXLAN))), `eth:ip:ip:udp:vxlan:${LEAF_STACK}`],
  ['VXLAN in IPv6 in IPv4', ether(0x800, ip4(41, ip6(17, VXLAN))), `eth:ip:ipv6:udp:vxlan:${LEAF_STACK}`],
  ['VXLAN in IPv4 in IPv6', ether(0x86dd, ip6(4, ip4(17, VXLAN))), `eth:ipv6:ip:udp:vxlan:${LEAF_STACK}`],
  [
    'VXLAN behind an 802.1Q tag',
    ether(0x8100, `00640800${ip4(17, VXLAN)}`),
    `eth:vlan:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN behind two 802.1Q tags',
    ether(0x8100, `0064810000650800${ip4(17, VXLAN)}`),
    `eth:vlan:vlan:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN behind 802.1ad and 802.1Q',
    ether(0x88a8, `0064810000650800${ip4(17, VXLAN)}`),
    `eth:ieee8021ad:vlan:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    '802.1ad and 802.1Q within VXLAN',
    ether(0x800, ip4(17, udp(4789, vx(ether(0x88a8, `0064810000650800${ip4(6, tcp())}`))))),
    'eth:ip:udp:vxlan:eth:ieee8021ad:vlan:ip:tcp',
  ],
  [
    'tags on both sides',
    ether(
      0x8100,
      `006486dd${ip6(17, udp(4789, vx(ether(0x8100, `0065 0800${ip4(6, tcp())}`.replace(' ', '')))))}`,
    ),
    'eth:vlan:ipv6:udp:vxlan:eth:vlan:ip:tcp',
  ],
  [
    'VXLAN over IPv6 with hop-by-hop options',
    ether(0x86dd, ip6(0, HOP(17) + VXLAN)),
    `eth:ipv6:ipv6.hopopts:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN over IPv6 with a segment routing header',
    ether(0x86dd, ip6(43, ROUTING(17) + VXLAN)),
    `eth:ipv6:ipv6.routing:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN over IPv6 with destination options',
    ether(0x86dd, ip6(60, DESTINATION(17) + VXLAN)),
    `eth:ipv6:ipv6.dstopts:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'VXLAN over IPv6 in one whole fragment',
    ether(0x86dd, ip6(44, ATOMIC(17) + VXLAN)),
    `eth:ipv6:ipv6.fraghdr:udp:vxlan:${LEAF_STACK}`,
  ],
  ['VXLAN over IPv6 with AH', ether(0x86dd, ip6(51, AH(17) + VXLAN)), `eth:ipv6:ah:udp:vxlan:${LEAF_STACK}`],
  ['VXLAN over IPv4 with AH', ether(0x800, ip4(51, AH(17) + VXLAN)), `eth:ip:ah:udp:vxlan:${LEAF_STACK}`],
  [
    'VXLAN over IPv6 with all of them',
    ether(
      0x86dd,
      ip6(0, HOP(60) + DESTINATION(43) + ROUTING(44) + ATOMIC(51) + AH(60) + DESTINATION(17) + VXLAN),
    ),
    `eth:ipv6:ipv6.hopopts:ipv6.dstopts:ipv6.routing:ipv6.fraghdr:ah:ipv6.dstopts:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'extension headers within VXLAN',
    ether(0x800, ip4(17, udp(4789, vx(ether(0x86dd, ip6(0, HOP(43) + ROUTING(6) + tcp())))))),
    'eth:ip:udp:vxlan:eth:ipv6:ipv6.hopopts:ipv6.routing:tcp',
  ],
  [
    'group policy',
    ether(0x800, ip4(17, udp(4789, `8848 0064 000064 00`.replaceAll(' ', '') + LEAF))),
    `eth:ip:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'GPE with IPv4',
    ether(0x800, ip4(17, udp(4790, `0c00000100006400${ip4(6, tcp())}`))),
    'eth:ip:udp:vxlan:ip:tcp',
  ],
  [
    'GPE with IPv6',
    ether(0x800, ip4(17, udp(4790, `0c00000200006400${ip6(6, tcp())}`))),
    'eth:ip:udp:vxlan:ipv6:tcp',
  ],
  [
    'GPE with Ethernet',
    ether(0x86dd, ip6(17, udp(4790, `0c00000300006400${LEAF}`))),
    `eth:ipv6:udp:vxlan:${LEAF_STACK}`,
  ],
  [
    'GPE with NSH and Ethernet',
    ether(
      0x800,
      ip4(17, udp(4790, `0c00000400006400 0fc60103 00000105${'00'.repeat(16)}`.replaceAll(' ', '') + LEAF)),
    ),
    `eth:ip:udp:vxlan:nsh:${LEAF_STACK}`,
  ],
  [
    'GPE with NSH of type 2 without metadata and IPv6',
    ether(
      0x800,
      ip4(17, udp(4790, `0c00000400006400 0fc20202 00000105`.replaceAll(' ', '') + ip6(6, tcp()))),
    ),
    'eth:ip:udp:vxlan:nsh:ipv6:tcp',
  ],
];

/** BIG TCP: more bytes than a length field of 16 bits can say, so that it says 0 (Linux; RFC 2675 with IPv6). */
const BIG = tcp('5a'.repeat(66000));
const jumbo = (next: number, length: number): string => `${word(next, 1)}00c204${word(length, 4)}`;
const jumboLength = size(BIG) + 8;
const BIG_CASES: readonly [string, string, string][] = [
  ['IPv4 with total length 0', ether(0x800, ip4(6, BIG, 0)), 'eth:ip:tcp:data'],
  ['IPv6 with payload length 0', ether(0x86dd, ip6(6, BIG, 0)), 'eth:ipv6:tcp:data'],
  [
    'IPv6 with the jumbo option',
    ether(0x86dd, ip6(0, jumbo(6, jumboLength) + BIG, 0)),
    'eth:ipv6:ipv6.hopopts:tcp:data',
  ],
  [
    'IPv4 in VXLAN, all lengths 0',
    ether(0x800, ip4(17, udp(4789, vx(ether(0x800, ip4(6, BIG, 0))), 0), 0)),
    'eth:ip:udp:vxlan:eth:ip:tcp:data',
  ],
  [
    'jumbo IPv6 in VXLAN over IPv6, all lengths 0',
    ether(0x86dd, ip6(17, udp(4789, vx(ether(0x86dd, ip6(0, jumbo(6, jumboLength) + BIG, 0))), 0), 0)),
    'eth:ipv6:udp:vxlan:eth:ipv6:ipv6.hopopts:tcp:data',
  ],
];

function read(frame: string): { view: DataView; d: Dissection } {
  const view = viewOf(hex(frame));
  const d = new Dissection();
  dissect(view, 0, view.byteLength, 1, d);
  return { view, d };
}

function stack(d: Dissection): string {
  return Array.from({ length: d.count }, (_, row) => LAYER_PROTOCOLS[d.kind(row)]).join(':');
}

/** tshark 4.0 reads no further than the ERSPAN header here. */
const BARE: [string, string, string] = [
  'VXLAN in IPv4 in ERSPAN type III, whose frame type says that no Ethernet is there',
  ether(0x800, ip4(47, gre(0x22eb, erspan3('0800') + ip4(17, VXLAN), 0x1000, '00000001'))),
  `eth:ip:gre:erspan:ip:udp:vxlan:${LEAF_STACK}`,
];

describe('the walk comes to the innermost layer through', () => {
  test.each([...CASES, BARE])('%s', (_, frame, expected) => {
    const { view, d } = read(frame);
    expect(stack(d)).toBe(expected);
    expect(d.firstFault).toBe(-1);
    expect(vxlan.vni(view, d.start(d.innerVxlan))).toBe(100);
    const tunnels = Array.from({ length: d.count }, (_, row) => d.depth(row));
    expect(tunnels).toEqual([...tunnels].sort((a, b) => a - b));
  });

  test.each(BIG_CASES)('BIG TCP: %s', (_, frame, expected) => {
    const { view, d } = read(frame);
    expect(stack(d)).toBe(expected);
    expect(d.firstFault).toBe(-1);
    expect(d.end(d.transport) - d.head(d.transport)).toBe(66000);
    expect(d.end(d.transport)).toBe(view.byteLength);
  });

  test('an ERSPAN frame type that nobody defined is not read', () => {
    const { d } = read(ether(0x800, ip4(47, gre(0x22eb, erspan3('0400') + LEAF, 0x1000, '00000001'))));
    expect(stack(d)).toBe('eth:ip:gre:erspan:data');
    expect(d.depth(4)).toBe(1);
  });

  test('a jumbogram ends where its option says, not where the frame does', () => {
    const { d } = read(`${ether(0x86dd, ip6(0, jumbo(6, jumboLength) + BIG, 0))}ffff`);
    expect(d.end(d.transport) - d.head(d.transport)).toBe(66000);
  });
});

describe('tshark reads them so, too', () => {
  const folder = mkdtempSync(joinPath(tmpdir(), 'vxlab-tunnels-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.skipIf(!hasTool('tshark'))('all of them', () => {
    const chunks: Uint8Array[] = [];
    const writer = new PcapWriter((bytes) => chunks.push(bytes), { linkType: 1 });
    for (const [, frame] of CASES) {
      const bytes = hex(frame);
      writer.writePacket(0, 0, 0, viewOf(bytes), 0, bytes.length, bytes.length);
    }
    writer.flush();
    const file = joinPath(folder, 'tunnels.pcap');
    writeFileSync(file, Buffer.concat(chunks));
    const out = runTool('tshark', [
      '-n',
      '-r',
      file,
      '-T',
      'fields',
      '-e',
      'frame.protocols',
      '-e',
      'vxlan.vni',
      '-E',
      'aggregator=;',
    ]);
    const lines = out.trimEnd().split('\n');
    const differ = CASES.flatMap(([name, frame], i) => {
      const { d } = read(frame);
      const [protocols = '', vnis] = (lines[i] ?? '').split('\t');
      const gpe = d.kind(d.vxlan) === L.gpe;
      const ours = stackOf(stack(d).split(':'), gpe);
      const theirs = stackOf(protocols.split(':'), gpe);
      return ours === theirs && vnis?.endsWith('100')
        ? []
        : [`${name}: ours ${ours}, tshark ${theirs} ${vnis}\n${toHex(hex(frame))}`];
    });
    expect(differ).toEqual([]);
  });
});
