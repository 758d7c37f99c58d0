import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CHECKSUM, checksumVerdict, isOffloaded } from '../../../src/core/dissect/checksums.ts';
import { Dissection, L } from '../../../src/core/dissect/layer.ts';
import { dissect } from '../../../src/core/dissect/walk.ts';
import { meaning, readField, valueText } from '../../../src/core/inspect/field.ts';
import {
  fieldMarks,
  hexdump,
  hexRows,
  layerMarks,
  shortFieldMarks,
} from '../../../src/core/inspect/hexdump.ts';
import { readHttp } from '../../../src/core/inspect/http.ts';
import { FIELDS, layerSpec } from '../../../src/core/inspect/registry.ts';
import type { LayerNode } from '../../../src/core/inspect/tree.ts';
import { tree } from '../../../src/core/inspect/tree.ts';
import { pseudo4 } from '../../../src/core/wire/checksum.ts';
import * as udp from '../../../src/core/wire/udp.ts';
import { hex, viewOf } from '../../support/bytes.ts';
import type { Reading } from '../../support/columns.ts';
import { packetsOf, readPacket, values } from '../../support/columns.ts';

const CAPTURES = new URL('../../../fixtures/captures/', import.meta.url);

function read(file: string, number: number): Reading {
  return readPacket(packetsOf(readFileSync(new URL(file, CAPTURES)))[number - 1] as never);
}

function layer(reading: Reading, protocol: string, nth = 0): LayerNode {
  return reading.tree.layers.filter((l) => l.protocol === protocol)[nth] as LayerNode;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

describe('the tree', () => {
  const post = read('docker-swarm/traffic-worker1-eth0.pcap', 36);

  test('names layers, their bytes and how deep in tunnels they are', () => {
    expect(post.tree.layers.map((l) => [l.protocol, l.from, l.to, l.depth])).toEqual([
      ['eth', 0, 14, 0],
      ['ip', 14, 34, 0],
      ['udp', 34, 42, 0],
      ['vxlan', 42, 50, 0],
      ['eth', 50, 64, 1],
      ['ip', 64, 84, 1],
      ['tcp', 84, 116, 1],
      ['http', 116, expect.any(Number), 1],
      ['data', expect.any(Number), expect.any(Number), 1],
    ]);
    expect(layer(post, 'vxlan').title).toBe('VNI: 4098');
    expect(layer(post, 'ip', 1).title).toBe('Src: 10.0.1.2, Dst: 10.0.1.5');
    expect(layer(post, 'eth').title).toBe('Src: 52:54:00:00:00:12, Dst: 52:54:00:00:00:11');
  });

  test('gives each field its name, value, text, meaning and place', () => {
    expect(layer(post, 'ip', 1).fields.find((f) => f.name === 'ip.proto')).toEqual({
      name: 'ip.proto',
      label: 'Protocol',
      value: 6,
      text: '6',
      meaning: 'TCP',
      from: 73,
      to: 74,
    });
    expect(values(post, 'http.request.method')).toEqual(['POST']);
    expect(values(post, 'http.request.uri')).toEqual(['/cgi-bin/login']);
    const body = layer(post, 'data');
    const text = String.fromCharCode(
      ...new Uint8Array(post.view.buffer, post.view.byteOffset + body.from, 10),
    );
    expect(text).toBe('user=alice');
  });

  test('is plain data', () => {
    expect(JSON.parse(JSON.stringify(post.tree))).toEqual(post.tree);
  });

  test('says of offloaded checksums that they were left to the network card', () => {
    const big = read('kernel/http-offload.pcap', 21);
    expect(layer(big, 'udp').checksum).toEqual({
      status: 'bad',
      note: 'offload: left for the network card to finish',
    });
    // Packet 2's outer checksum was made as if the inner one, which is not finished, were.
    expect(layer(read('kernel/http-offload.pcap', 2), 'udp').checksum?.note).toMatch(/^offload: /);
    expect(layer(big, 'ip').checksum).toEqual({ status: 'good', note: '' });
    expect(layer(read('formats/snaplen96.pcap', 9), 'udp').checksum).toEqual({
      status: 'unverified',
      note: 'not all of its bytes were captured',
    });
    expect(layer(read('public/tcpdump/vxlan.pcap', 1), 'udp').checksum).toEqual({
      status: 'absent',
      note: '',
    });
    expect(layer(read('public/zeek/tunnels/vxlan-inner-tcp-bad-checksum.pcap', 1), 'tcp').checksum).toEqual({
      status: 'bad',
      note: 'offload? or damaged on the way',
    });
  });

  test('shows a fault as a layer behind the one that has it', () => {
    const { layers } = read('public/zeek/tunnels/geneve-truncated.pcapng', 1).tree;
    expect(layers.slice(-2).map((l) => l.protocol)).toEqual(['eth', '_ws.malformed']);
    expect(layers.at(-1)?.title).toContain('bounded by the UDP length');
  });

  test('reads neighbour discovery, listeners, groups and EDNS field by field', () => {
    const nd = read('kernel/ipv6-underlay.pcap', 1);
    expect(nd.protocols).toContain('icmpv6');
    const all = packetsOf(readFileSync(new URL('public/zeek/l3/icmp6.pcap', CAPTURES))).map((p) =>
      readPacket(p),
    );
    const seen = (name: string): string[] => all.flatMap((r) => values(r, name));
    expect(seen('icmpv6.nd.ns.target_address').length).toBeGreaterThan(0);
    expect(seen('icmpv6.nd.na.flag.s').length).toBeGreaterThan(0);
    expect(seen('icmpv6.opt.linkaddr').length).toBeGreaterThan(0);
    const mld = read('public/zeek/l3/icmp6-mldv2.pcap', 1);
    expect(values(mld, 'icmpv6.mldr.nb_mcast_records')).toEqual(['4']);
    const igmp = read('kernel/mcast3-underlay.pcap', 1);
    expect(values(igmp, 'igmp.maddr')).toEqual(['239.1.1.1']);
    expect(values(igmp, 'igmp.record_type')).toEqual(['4']);
    expect(values(igmp, 'ip.opt.type')).toEqual(['148']);
  });
});

describe('checksum verdicts', () => {
  const frame = (checksum: boolean): Uint8Array => {
    const bytes = hex(
      `020000000002 020000000001 0800 4500 0020 0001 0000 4011 0000 c0000201 c0000202 ${'00'.repeat(8)} 01020304`,
    );
    const pseudo = checksum ? pseudo4(0xc0000201, 0xc0000202, 17, 12) : -1;
    udp.write(viewOf(bytes), 34, 46, 1000, 2000, pseudo);
    return bytes;
  };
  const verdict = (bytes: Uint8Array, row: number, original = bytes.length): number => {
    const d = new Dissection();
    dissect(viewOf(bytes), 0, bytes.length, 1, d, undefined, original);
    return checksumVerdict(viewOf(bytes), d, row);
  };

  test('good, bad, absent, unverified, and none for a layer without', () => {
    expect(verdict(frame(true), 2)).toBe(CHECKSUM.good);
    expect(verdict(frame(false), 2)).toBe(CHECKSUM.absent);
    const bad = frame(true);
    bad[45] = 9;
    expect(verdict(bad, 2)).toBe(CHECKSUM.bad);
    expect(verdict(frame(true).slice(0, 44), 2, 46)).toBe(CHECKSUM.unverified);
    expect(verdict(frame(true), 1)).toBe(CHECKSUM.bad);
    expect(verdict(frame(true), 0)).toBe(-1);
  });

  test('a field that holds the pseudo header alone is offloaded, any other is not', () => {
    const bytes = frame(true);
    const d = new Dissection();
    dissect(viewOf(bytes), 0, bytes.length, 1, d);
    expect(isOffloaded(viewOf(bytes), d, 2)).toBe(false);
    const sum = pseudo4(0xc0000201, 0xc0000202, 17, 12);
    viewOf(bytes).setUint16(40, ((sum & 0xffff) + Math.floor(sum / 0x10000)) % 0xffff);
    expect(isOffloaded(viewOf(bytes), d, 2)).toBe(true);
  });

  test('a segment routing header on its way is summed with its last address (RFC 8200 s.8.1)', () => {
    const node = (n: number): string => `20010db8${n.toString(16).padStart(24, '0')}`;
    // Type 0, one segment left: the final destination is node 9, the header carries node 2.
    const bytes = hex(
      `020000000002 020000000001 86dd 60000000 0024 2b 40 ${node(1)} ${node(2)} 1102 0001 00000000 ${node(9)} ${'00'.repeat(8)} 01020304`,
    );
    const view = viewOf(bytes);
    const other = hex(`${'00'.repeat(8)} ${node(1)} ${node(9)}`);
    let pseudo = 17 + 12;
    for (let i = 8; i < 40; i += 4) pseudo += viewOf(other).getUint32(i);
    udp.write(view, 78, 90, 1000, 2000, pseudo);
    const d = new Dissection();
    dissect(view, 0, bytes.length, 1, d);
    expect(d.kind(3)).toBe(L.udp);
    expect(checksumVerdict(view, d, 3)).toBe(CHECKSUM.good);
  });
});

describe('fields', () => {
  test('have names as Wireshark writes them, each with a layer, and second names that match either end', () => {
    expect(FIELDS.size).toBeGreaterThan(200);
    for (const [name, places] of FIELDS) {
      expect(name).toMatch(/^[a-z0-9_]+(\.[a-z0-9_]+)+$/i);
      for (const p of places) expect(layerSpec(p.layer.kind)).toBe(p.layer);
    }
    expect(FIELDS.get('ip.addr')?.map((p) => p.field.name)).toEqual(['ip.src', 'ip.dst']);
    expect(FIELDS.get('udp.port')?.map((p) => p.field.name)).toEqual(['udp.srcport', 'udp.dstport']);
    expect(FIELDS.get('vxlan.vni')?.map((p) => p.layer.kind)).toEqual([L.vxlan, L.gpe]);
    expect(FIELDS.get('ip.version')?.length).toBe(2);
    expect(layerSpec(255)).toBe(layerSpec(L.payload));
  });

  test('are read without a tree, and not where their bytes are missing', () => {
    const view = viewOf(hex('45b8 0028'));
    const spec = (name: string): never => FIELDS.get(name)?.[0]?.field as never;
    expect(readField(view, 0, 4, spec('ip.hdr_len'))).toBe(20);
    expect(readField(view, 0, 4, spec('ip.dsfield.dscp'))).toBe(46);
    expect(readField(view, 0, 4, spec('ip.src'))).toBeNull();
    expect(readField(view, 0, 4, spec('ip.checksum.status'))).toBeNull();
    expect(valueText(spec('ip.dsfield'), 0xb8)).toBe('0xb8');
    expect(meaning(spec('ip.flags.df'), 1)).toBe('Set');
    expect(meaning(spec('ip.flags.df'), 0)).toBe('Not set');
    expect(meaning(spec('ip.ttl'), 64)).toBeNull();
  });
});

describe('HTTP', () => {
  test('first line, headers and body of a request', () => {
    const bytes = ascii('GET /x HTTP/1.1\r\nHost: web:8080\r\nbad line\r\nX-A:  b \r\n\r\nbody');
    const h = readHttp(viewOf(bytes), 0, bytes.length);
    expect(h).toMatchObject({ method: 'GET', uri: '/x', version: 'HTTP/1.1', second: 4, secondEnd: 6 });
    expect(h?.headers.map((x) => [x.name, x.value])).toEqual([
      ['Host', 'web:8080'],
      ['X-A', 'b'],
    ]);
    expect(h?.bodyAt).toBe(bytes.length - 4);
  });

  test('headers that go on in the next segment are read as far as they are there', () => {
    const bytes = ascii('HTTP/1.1 404 Not Found\nServer: a\nCont');
    expect(readHttp(viewOf(bytes), 0, bytes.length)).toMatchObject({
      method: null,
      code: 404,
      phrase: 'Not Found',
      bodyAt: bytes.length,
      headers: [{ name: 'Server', value: 'a' }],
    });
  });

  test.each([
    '',
    'GET',
    'GET /x\r\n',
    'HELLO /x HTTP/1.1\r\n',
    'HTTP/1.1 abc\r\n',
    '\r\n',
    'GET /x HTTP/2.0\r\n',
  ])('not HTTP: %j', (text) => {
    const bytes = ascii(text);
    expect(readHttp(viewOf(bytes), 0, bytes.length)).toBeNull();
  });
});

describe('the hexdump', () => {
  const reading = read('public/tcpdump/vxlan.pcap', 2);

  test('names fields on a second ruler, the first of those that share a byte', () => {
    const lines = hexdump(reading.view, 0, 64, layerMarks(reading.tree), shortFieldMarks(reading.tree)).split(
      '\n',
    );
    expect(lines[0]).toMatch(/^ {6}\|eth +\|ip/);
    expect(lines[1]).toMatch(/^ {6}\|dst +\|src +\|type \|v \|dsfield$/);
    expect(lines.join('\n')).toContain('|vni');
  });

  test('puts a ruler over rows in which a layer begins', () => {
    const lines = hexdump(reading.view, 0, 92, layerMarks(reading.tree)).split('\n');
    expect(lines.slice(0, 4)).toEqual([
      '      |eth                                      |ip',
      expect.stringMatching(/^0000 {2}([0-9a-f]{2} ){15}[0-9a-f]{2} {3}.{16}$/),
      expect.stringMatching(/^0010 {2}/),
      '            |udp                    |vxlan',
    ]);
    expect(lines.at(-2)).toMatch(/^0050 {2}.{35} {15}.{12}$/);
  });

  test('without marks has no rulers, and of nothing makes nothing', () => {
    expect(hexdump(viewOf(ascii('Hi\n')), 0, 3)).toBe(`0000  48 69 0a${' '.repeat(39 + 3)}Hi.\n`);
    expect(hexdump(viewOf(new Uint8Array(0)), 0, 0)).toBe('');
  });

  test('gives marks by row: where each begins, goes on and ends', () => {
    const rows = hexRows(reading.view, 0, 92, layerMarks(reading.tree));
    expect(rows[0]?.marks).toEqual([
      { from: 0, to: 14, begins: true, name: 'eth', mark: 0 },
      { from: 14, to: 16, begins: true, name: 'ip', mark: 1 },
    ]);
    expect(rows[1]?.marks).toEqual([{ from: 0, to: 16, begins: false, name: 'ip', mark: 1 }]);
    expect(fieldMarks(reading.tree, 3).find((m) => m.name === 'vxlan.vni')).toEqual({
      from: 46,
      to: 49,
      name: 'vxlan.vni',
    });
    expect(fieldMarks(reading.tree, 99)).toEqual([]);
  });

  test('names that would run into the next are cut, and of two at one byte the inner one stays', () => {
    const marks = [
      { from: 0, to: 2, name: 'longname' },
      { from: 2, to: 3, name: 'x' },
      { from: 4, to: 8, name: 'outer' },
      { from: 4, to: 5, name: 'inner' },
    ];
    expect(hexdump(viewOf(new Uint8Array(8)), 0, 8, marks).split('\n')[0]).toBe('      |long |x    |inner');
  });
});

test('a packet of nothing is an empty tree', () => {
  const d = new Dissection();
  dissect(viewOf(new Uint8Array(0)), 0, 0, 147, d);
  expect(tree(viewOf(new Uint8Array(0)), d)).toEqual({ captured: 0, length: 0, layers: [] });
});
