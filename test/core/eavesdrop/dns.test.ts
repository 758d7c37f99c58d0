// Names that are asked for and answered, over UDP and TCP.

import { describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/core/wire/address.ts';
import type { DnsMessage } from '../../../src/core/wire/dns.ts';
import { CLASS_IN, FLAG, RR, write } from '../../../src/core/wire/dns.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Parcel } from '../streams/wire.ts';
import { bytesAt, lines, only, overhear, overhearCapture, played } from './overhear.ts';

function message(part: Partial<DnsMessage>): Uint8Array {
  const view = new DataView(new ArrayBuffer(600));
  const whole: DnsMessage = {
    id: 0x1234,
    flags: FLAG.recursionDesired,
    questions: [],
    answers: [],
    authorities: [],
    additionals: [],
    ...part,
  };
  return new Uint8Array(view.buffer, 0, write(view, 0, whole));
}

const question = { name: 'web.example.', type: RR.a, class: CLASS_IN };
const ask = message({ questions: [question] });
const answer = message({
  flags: FLAG.response,
  questions: [question],
  answers: [
    {
      name: 'web.example.',
      type: RR.cname,
      class: CLASS_IN,
      ttl: 1,
      data: { kind: 'name', name: 'tier.example.' },
    },
    {
      name: 'tier.example.',
      type: RR.a,
      class: CLASS_IN,
      ttl: 1,
      data: { kind: 'a', address: parseIp('10.0.1.9') as number },
    },
  ],
});
const told = [
  '> name query A: web.example',
  '< name answer CNAME: web.example is tier.example',
  '< name answer A: tier.example is 10.0.1.9',
];

function datagrams(port: number, clientPort = 5000): Parcel[] {
  return [
    { srcPort: clientPort, dstPort: port, payload: ask, vni: 7, id: 1 },
    { src: '10.0.1.3', dst: '10.0.1.2', srcPort: port, dstPort: clientPort, payload: answer, vni: 7, id: 2 },
  ];
}

describe('over UDP', () => {
  test('a question and its answer, with their places', () => {
    const heard = overhear(datagrams(53));
    const one = only(heard);
    expect(one).toMatchObject({ transport: 'UDP', protocol: 'DNS', vni: 7, opaque: null });
    expect(lines(one.readings)).toEqual(told);
    expect(one.readings.map((reading) => bytesAt(heard, reading).slice(0, 5))).toEqual([
      '\x03web\x07',
      '\xc0\x0c\0\x05\0',
      expect.stringContaining('\0\x01\0'),
    ]);
    expect(one.readings[2]).toMatchObject({ place: { packet: 2 } });
  });

  test.each([
    [5353, 'mDNS'],
    [5355, 'LLMNR'],
    [44_444, 'DNS'],
  ])('on port %i it is %s', (port, protocol) => {
    expect(only(overhear(datagrams(port))).readings.map((reading) => reading.protocol)).toEqual(
      Array(3).fill(protocol),
    );
  });

  test('what follows a datagram that is none is heard', () => {
    const parcels = datagrams(53);
    const odd: Parcel = { ...(parcels[0] as Parcel), payload: 'nonsense', id: 9 };
    expect(lines(only(overhear([odd, ...parcels])).readings)).toEqual(expect.arrayContaining(told));
  });
});

describe('over TCP', () => {
  const framed = (bytes: Uint8Array): Uint8Array =>
    Uint8Array.of(bytes.length >> 8, bytes.length & 255, ...bytes);

  test.each([1, 5, 1000])('in segments of %i bytes', (size) => {
    const script = played(
      53,
      [
        ['>', framed(ask)],
        ['<', framed(answer)],
        ['>', framed(ask)],
      ],
      size,
    );
    expect(lines(only(overhear(script)).readings)).toEqual(told);
  });
});

describe('what hosts are called', () => {
  test('an address has the name that was asked for and its own; a reverse name is one too', () => {
    const reverse = message({
      flags: FLAG.response,
      questions: [{ name: '2.1.0.10.in-addr.arpa.', type: RR.ptr, class: CLASS_IN }],
      answers: [
        {
          name: '2.1.0.10.in-addr.arpa.',
          type: RR.ptr,
          class: CLASS_IN,
          ttl: 1,
          data: { kind: 'name', name: 'me.example.' },
        },
      ],
    });
    const parcels = datagrams(53);
    const { hosts } = overhear([
      ...parcels,
      { ...(parcels[1] as Parcel), payload: reverse, id: 3 },
      { src: '10.0.1.9', dst: '10.0.1.2', srcPort: 1, dstPort: 2, payload: 'x', vni: 7 },
    ]).report;
    expect(hosts.map(({ ip, names }) => [formatIp(ip), ...names])).toEqual([
      ['10.0.1.2', 'me.example'],
      ['10.0.1.3'],
      ['10.0.1.9', 'tier.example', 'web.example'],
    ]);
  });

  test('a name in one network says nothing of the address in another', () => {
    const other: Parcel = { src: '10.0.1.9', dst: '10.0.1.2', srcPort: 1, dstPort: 2, payload: 'x', vni: 8 };
    const { hosts } = overhear([...datagrams(53), other]).report;
    expect(hosts.find(({ vni, ip }) => vni === 8 && formatIp(ip) === '10.0.1.9')?.names).toEqual([]);
  });

  test('Docker answers on a port that no table has', () => {
    const { hosts } = overhearCapture('docker-swarm/traffic-appserver1-any.pcap').report;
    expect(
      hosts.filter(({ names }) => names.length > 0).map(({ ip, names }) => `${formatIp(ip)} ${names}`),
    ).toEqual(['10.0.1.2 webserver-1', '10.0.1.3 webserver-2', '10.0.1.4 appserver-1', '10.0.3.2 mysql']);
  });
});

test('bytes that are no message are claimed on no port', () => {
  for (const port of [53, 5353, 44_444]) {
    const noise = Uint8Array.from({ length: 60 }, (_, i) => (i * 89 + 7) & 0xff);
    expect(only(overhear([{ srcPort: 5000, dstPort: port, payload: noise }])).readings).toEqual([]);
  }
});
