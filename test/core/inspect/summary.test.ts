import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Summary } from '../../../src/core/inspect/summary.ts';
import { summaryLine } from '../../../src/core/inspect/summary.ts';
import { hex } from '../../support/bytes.ts';
import { packetsOf, readPacket } from '../../support/columns.ts';

// Every Info below is what tshark 4.0.17 prints for the same bytes.

const PUBLIC = new URL('../../../fixtures/captures/public/', import.meta.url);
const ETHERNET = '020000000002 020000000001';

function word(n: number): string {
  return n.toString(16).padStart(4, '0');
}

function of(frame: string, original = -1, linkType = 1): Summary {
  const bytes = hex(frame);
  const originalLength = original < 0 ? bytes.length : original;
  const rest = { number: 1, offset: 0, time: null, interfaceId: 0, direction: 0, comments: [] };
  return readPacket({ ...rest, bytes, originalLength, linkType }).summary;
}

function over4(protocol: number, payload: string): Summary {
  const length = hex(payload).length + 20;
  const ip = `4500 ${word(length)} 0001 0000 40 ${protocol.toString(16).padStart(2, '0')} 0000 c0000201 c0000202`;
  return of(`${ETHERNET} 0800 ${ip} ${payload}`);
}

const DB8 = `20010db8${'0'.repeat(22)}`;

function over6(protocol: number, payload: string): Summary {
  const ip = `60000000 ${word(hex(payload).length)} ${protocol.toString(16).padStart(2, '0')} ff ${DB8}01 ${DB8}02`;
  return of(`${ETHERNET} 86dd ${ip} ${payload}`);
}

describe('ARP', () => {
  test.each([
    ['0001 020000000001c0000203 000000000000c0000201', 'Who has 192.0.2.1? Tell 192.0.2.3'],
    ['0001 020000000001c0000201 000000000000c0000201', 'ARP Announcement for 192.0.2.1'],
    ['0001 020000000001c0000201 ffffffffffffc0000201', 'Gratuitous ARP for 192.0.2.1 (Request)'],
    ['0001 02000000000100000000 000000000000c0000201', 'Who has 192.0.2.1? (ARP Probe)'],
    ['0002 020000000001c0000201 020000000002c0000202', '192.0.2.1 is at 02:00:00:00:00:01'],
    ['0002 020000000001c0000201 020000000002c0000201', 'Gratuitous ARP for 192.0.2.1 (Reply)'],
  ])('%s', (body, info) => {
    expect(of(`${ETHERNET} 0806 000108000604 ${body}`)).toMatchObject({
      source: '02:00:00:00:00:01',
      destination: '02:00:00:00:00:02',
      protocol: 'ARP',
      info,
      length: 42,
      vni: null,
    });
  });

  test('RARP has a name of its own', () => {
    expect(of(`${ETHERNET} 0806 000108000604 0003 020000000001c0000201 020000000002c0000202`)).toMatchObject({
      protocol: 'RARP',
      info: 'Who is 02:00:00:00:00:02? Tell 02:00:00:00:00:01',
    });
    expect(of(`${ETHERNET} 8035 000108000604 0004 020000000001c0000201 020000000002c0000202`)).toMatchObject({
      protocol: 'RARP',
      info: '02:00:00:00:00:02 is at 192.0.2.2',
    });
  });

  test('other address sizes and operations are named, not guessed at', () => {
    expect(of(`${ETHERNET} 0806 000108000404 0001 ${'00'.repeat(16)}`).info).toBe('ARP operation 1');
    expect(of(`${ETHERNET} 0806 000108000604 0063 ${'00'.repeat(20)}`).info).toBe(
      'Unknown ARP opcode 0x0063',
    );
  });
});

describe('ICMP', () => {
  test.each([
    ['0800', 'Echo (ping) request  id=0x0001, seq=2/512, ttl=64'],
    ['0000', 'Echo (ping) reply    id=0x0001, seq=2/512, ttl=64'],
    ['0301', 'Destination unreachable (Host unreachable)'],
    ['0304', 'Destination unreachable (Fragmentation needed)'],
    ['0400', 'Source quench (flow control)'],
    ['0501', 'Redirect             (Redirect for host)'],
    ['0a00', 'Router solicitation'],
    ['0b00', 'Time-to-live exceeded (Time to live exceeded in transit)'],
    ['0c01', 'Parameter problem    (Required option missing)'],
    ['0d00', 'Timestamp request    id=0x0001, seq=2/512, ttl=64'],
    ['1200', 'Address mask reply   id=0x0001, seq=2/512, ttl=64'],
  ])('%s', (typeAndCode, info) => {
    const summary = over4(1, `${typeAndCode} 0000 0001 0002 00000000`);
    expect(summary.protocol).toBe('ICMP');
    expect(summary.info.replace('[Malformed Packet]', '').trimEnd()).toBe(info);
  });
});

describe('ICMPv6', () => {
  const target = `${DB8}09`;
  test.each([
    ['0104 0000 00000000', 'Destination Unreachable (Port unreachable)'],
    ['0200 0000 00000500', 'Packet Too Big'],
    ['0300 0000 00000000', 'Time Exceeded (hop limit exceeded in transit)'],
    ['0401 0000 00000000', 'Parameter Problem (unrecognized Next Header type encountered)'],
    ['0409 0000 00000000', 'Parameter Problem (Unknown (9))'],
    ['8000 0000 00010002', 'Echo (ping) request id=0x0001, seq=2, hop limit=255'],
    ['8500 0000 00000000 0101020000000009', 'Router Solicitation from 02:00:00:00:00:09'],
    ['8600 0000 40000000 0000000000000000 0101020000000009', 'Router Advertisement from 02:00:00:00:00:09'],
    [
      `8700 0000 00000000 ${target} 0101020000000009`,
      'Neighbor Solicitation for 2001:db8::9 from 02:00:00:00:00:09',
    ],
    [`8700 0000 00000000 ${target}`, 'Neighbor Solicitation for 2001:db8::9'],
    [
      `8800 0000 e0000000 ${target} 0201020000000009`,
      'Neighbor Advertisement 2001:db8::9 (rtr, sol, ovr) is at 02:00:00:00:00:09',
    ],
    [`8800 0000 00000000 ${target}`, 'Neighbor Advertisement 2001:db8::9 (none)'],
    ['8f00 0000 00000000', 'Multicast Listener Report Message v2'],
  ])('%s', (payload, info) => {
    expect(over6(58, payload)).toMatchObject({
      source: '2001:db8::1',
      destination: '2001:db8::2',
      protocol: 'ICMPv6',
      info,
    });
  });
});

describe('IGMP', () => {
  const one = '0a000001';
  const two = '0a000001 0a000002';
  const v3 = (type: string, count: string, sources: string): string =>
    `2200000000000001 ${type}00 00${count} ef010101 ${sources}`;
  test.each([
    ['1164 0000 00000000', 'IGMPv2', 'Membership Query, general'],
    ['1164 0000 ef010101', 'IGMPv2', 'Membership Query, specific for group 239.1.1.1'],
    ['1100 0000 00000000', 'IGMPv1', 'Membership Query'],
    ['1200 0000 ef010101', 'IGMPv1', 'Membership Report'],
    ['1600 0000 ef010101', 'IGMPv2', 'Membership Report group 239.1.1.1'],
    ['1700 0000 ef010101', 'IGMPv2', 'Leave Group 239.1.1.1'],
    [
      `1164 0000 ef010101 027d 0002 ${two}`,
      'IGMPv3',
      'Membership Query, specific for group 239.1.1.1, sources {10.0.0.1, 10.0.0.2}',
    ],
    [v3('03', '00', ''), 'IGMPv3', 'Membership Report / Leave group 239.1.1.1'],
    [v3('01', '01', one), 'IGMPv3', 'Membership Report / Join group 239.1.1.1 for source {10.0.0.1}'],
    [
      v3('01', '02', two),
      'IGMPv3',
      'Membership Report / Join group 239.1.1.1 for sources in {10.0.0.1, 10.0.0.2}',
    ],
    [v3('04', '00', ''), 'IGMPv3', 'Membership Report / Join group 239.1.1.1 for any sources'],
    [v3('02', '01', one), 'IGMPv3', 'Membership Report / Join group 239.1.1.1, for source not {10.0.0.1}'],
    [
      v3('05', '00', ''),
      'IGMPv3',
      'Membership Report / Group 239.1.1.1, ALLOW_NEW_SOURCES but no source specified (?)',
    ],
    [v3('05', '01', one), 'IGMPv3', 'Membership Report / Group 239.1.1.1, new source {10.0.0.1}'],
    [
      v3('06', '00', ''),
      'IGMPv3',
      'Membership Report / Group 239.1.1.1, BLOCK_OLD_SOURCES but no source specified (?)',
    ],
    [
      v3('06', '02', two),
      'IGMPv3',
      'Membership Report / Group 239.1.1.1, block sources {10.0.0.1, 10.0.0.2}',
    ],
    [
      v3('07', '01', one),
      'IGMPv3',
      'Membership Report / Group 239.1.1.1, unknown record type (?), sources {10.0.0.1}',
    ],
  ])('%s', (payload, protocol, info) => {
    expect(over4(2, payload)).toMatchObject({ protocol, info });
  });
});

describe('spanning tree', () => {
  const bpdu = '8001 020000000001 00000004 8002 020000000002 8001 0000 1400 0200 0f00';
  test.each([
    [
      `0026 424203 0000 00 00 01 ${bpdu}`,
      'Conf. TC + Root = 32768/1/02:00:00:00:00:01  Cost = 4  Port = 0x8001',
    ],
    [
      `0027 424203 0000 02 02 3c ${bpdu} 00`,
      'RST. Root = 32768/1/02:00:00:00:00:01  Cost = 4  Port = 0x8001',
    ],
    ['0007 424203 0000 00 80', 'Topology Change Notification'],
  ])('%s', (frame, info) => {
    expect(of(`${ETHERNET} ${frame}`)).toMatchObject({ protocol: 'STP', info });
  });
});

describe('TCP and UDP', () => {
  const tcp = (flags: string, options = '', offset = 5): string =>
    `03e8 07d0 00000001 00000002 ${offset}${flags} 0064 0000 0005 ${options}`;
  test.each([
    [tcp('000'), '1000 → 2000 [<None>] Seq=1 Win=100'],
    [tcp('002', '020405b4040201030307 0000', 8), '1000 → 2000 [SYN] Seq=1 Win=100'],
    [tcp('010'), '1000 → 2000 [ACK] Seq=1 Ack=2 Win=100'],
    [tcp('030'), '1000 → 2000 [ACK, URG] Seq=1 Ack=2 Win=100'],
    [tcp('0c2'), '1000 → 2000 [SYN, ECE, CWR] Seq=1 Win=100'],
  ])('%s', (segment, info) => {
    expect(over4(6, segment)).toMatchObject({
      protocol: 'TCP',
      source: '192.0.2.1',
      destination: '192.0.2.2',
    });
    expect(over4(6, segment).info).toMatch(new RegExp(`^${info.replace(/[[\]<>]/g, '\\$&')}`));
  });

  test('options are told in their order', () => {
    expect(over4(6, tcp('002', '020405b4 0402 01 030307 0000', 8)).info).toMatch(
      /Len=0 MSS=1460 SACK_PERM WS=128$/,
    );
    expect(over4(6, tcp('010', '0101050a0000000100000005', 8)).info).toMatch(/Len=0 SLE=1 SRE=5$/);
    expect(over4(6, tcp('010', '0101080a0000000100000005', 8)).info).toMatch(/Len=0 TSval=1 TSecr=5$/);
  });

  test('a UDP length that lies is said as tshark says it', () => {
    expect(over4(17, '0001 0002 000a 0000 7878').info).toBe('1 → 2 Len=2');
    expect(over4(17, '0001 0002 0004 0000 7878').info).toBe('1 → 2 [BAD UDP LENGTH 4 < 8][Malformed Packet]');
    expect(over4(17, '0001 0002 0064 0000 7878').info).toMatch(
      /^1 → 2 \[BAD UDP LENGTH 100 > IP PAYLOAD LENGTH\] Len=92/,
    );
    expect(over4(17, '0001 0002 000a 1234 7878').info).toBe('1 → 2 Len=2 [UDP CHECKSUM INCORRECT]');
  });

  test('the start of an HTTP message is shown in place of the segment', () => {
    const text = (s: string): string =>
      Array.from(s, (c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join('');
    const get = over4(6, tcp('018') + text('GET /a?b HTTP/1.1\r\nHost: web\r\n\r\n'));
    expect(get).toMatchObject({ protocol: 'HTTP', info: 'GET /a?b HTTP/1.1' });
    const ok = over4(6, tcp('018') + text('HTTP/1.0 200 OK\r\n\r\n<html>'));
    expect(ok).toMatchObject({ protocol: 'HTTP', info: 'HTTP/1.0 200 OK' });
  });
});

describe('what has no words of its own', () => {
  test('unknown EtherTypes and protocols are numbers', () => {
    expect(of(`${ETHERNET} 9999 ${'00'.repeat(30)}`)).toMatchObject({
      protocol: '0x9999',
      info: 'Ethernet II',
    });
    expect(over4(132, '00'.repeat(24))).toMatchObject({ protocol: 'IPv4', info: 'SCTP (132)' });
    expect(over6(59, '')).toMatchObject({ protocol: 'IPv6', info: 'No Next Header for IPv6 (59)' });
    expect(over4(50, '0000010000000001 0011')).toMatchObject({
      protocol: 'ESP',
      info: 'ESP (SPI=0x00000100)',
    });
    expect(of('00', -1, 147)).toMatchObject({ protocol: 'Data', source: '' });
    expect(over4(47, '0000 880b ff03')).toMatchObject({ protocol: 'GRE' });
  });

  test('fragments are called so, the first too', () => {
    const ip = (fragment: string): string =>
      `4500 001c 00cd ${fragment} 40 11 0000 c0000201 c0000202 0001000200080000`;
    expect(of(`${ETHERNET} 0800 ${ip('2000')}`)).toMatchObject({
      protocol: 'IPv4',
      info: 'Fragmented IP protocol (proto=UDP 17, off=0, ID=00cd)',
    });
    expect(of(`${ETHERNET} 0800 ${ip('0010')}`).info).toBe(
      'Fragmented IP protocol (proto=UDP 17, off=128, ID=00cd)',
    );
    expect(over6(44, '1100 0581 0000abcd 0011')).toMatchObject({
      protocol: 'IPv6',
      info: 'IPv6 fragment (off=1408 more=y ident=0x0000abcd nxt=17)',
    });
  });

  test('a cut header and a broken one are told apart', () => {
    const frame = `${ETHERNET} 0800 4500 0028 0001 0000 40 06 0000 c0000201 c0000202 03e8 07d0`;
    expect(of(frame, 54)).toMatchObject({
      length: 54,
      info: '1000 → 2000[Packet size limited during capture]',
    });
    expect(of(`${ETHERNET} 0800 4500 0013`).info).toBe('[Malformed Packet]');
  });
});

describe('DNS', () => {
  const infos = (file: string): Summary[] =>
    packetsOf(readFileSync(new URL(file, PUBLIC))).map((p) => readPacket(p).summary);

  test('questions, answers and codes of real messages', () => {
    expect(infos('ndpi/vxlan.pcap')[0]).toMatchObject({
      source: '10.10.20.4',
      destination: '8.8.8.8',
      protocol: 'DNS',
      vni: 1111,
    });
    expect(infos('tcpdump/dns_udp.pcap').map((s) => s.info)).toEqual([
      'Standard query 0x5934 A www.tcpdump.org OPT',
      expect.stringMatching(/^Standard query response 0x5934 A www\.tcpdump\.org A 192\.139\.46\.66/),
    ]);
  });

  test('multicast DNS tells what kind of question, and what flushes a cache', () => {
    const mdns = infos('pcapplusplus/DnsPackets.pcap').filter((s) => s.protocol === 'MDNS');
    expect(mdns.length).toBeGreaterThan(0);
    expect(mdns.some((s) => s.info.includes('"QM" question'))).toBe(true);
    expect(mdns.some((s) => s.info.includes(' A, cache flush 10.0.0.'))).toBe(true);
  });
});

test('a line is laid out as tshark lays it out', () => {
  const file = new URL('../kernel/ipv6-underlay.pcap', PUBLIC);
  const lines = packetsOf(readFileSync(file)).map((p) =>
    summaryLine(p.number, '0.000000', readPacket(p).summary),
  );
  expect([lines[2], lines[8], lines[10]]).toEqual([
    '    3   0.000000 fe80::e4bf:39ff:fe0a:adb5 → ff02::16     ICMPv6 90 Multicast Listener Report Message v2',
    '    9   0.000000 0a:00:00:00:00:01 → ff:ff:ff:ff:ff:ff ARP 112 Who has 10.6.0.2? Tell 10.6.0.1',
    '   11   0.000000     10.6.0.1 → 10.6.0.2     ICMP 168 Echo (ping) request  id=0x1a3f, seq=1/256, ttl=64',
  ]);
});
