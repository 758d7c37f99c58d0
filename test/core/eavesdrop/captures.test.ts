// What is read in captures of real traffic, and that the bytes of each reading stand where it says.

import { describe, expect, test } from 'vitest';
import { DEFAULT_WALK } from '../../../src/core/dissect/ports.ts';
import { keyOf } from '../../../src/core/esp/key.ts';
import { Opener } from '../../../src/core/esp/opener.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { formatIp, formatMac } from '../../../src/core/wire/address.ts';
import { NODE_CIPHER } from '../../../src/live/node-cipher.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';
import { sealCapture } from '../../support/sealed-capture.ts';
import { bytesAt, lines, overhearCapture, overhearFile } from './overhear.ts';

describe('HTTP between containers of a Docker swarm', () => {
  const heard = overhearCapture('docker-swarm/traffic-worker1-eth0.pcap');
  const { conversations, hosts } = heard.report;

  test('the log-in, with its packet', () => {
    const login = conversations.find(({ server }) => server.port === 8080);
    expect(login).toMatchObject({ vni: 4098, protocol: 'HTTP', missing: 0, more: 0, opaque: null });
    expect(lines(login?.readings ?? [])).toEqual([
      '> content request: POST /cgi-bin/login',
      '> name Host: appserver-2:8080',
      '> content form: user=alice&password=***',
      '> identity form field user: alice',
      '> secret form field password: alice / S3cr3t-pa55',
      '< content response: 200 OK',
      '< secret cookie session: 4f1c2d',
      '< content response body: welcome, served by appserver-2\n',
    ]);
    const secret = login?.readings.find(({ what }) => what === 'form field password');
    expect(secret?.place.packet).toBe(36);
    expect(secret && bytesAt(heard, secret)).toBe('S3cr3t-pa55');
  });

  test('what speaks no protocol is measured, and told as the text that it is', () => {
    const mysql = conversations.find(({ server }) => server.port === 3306);
    expect(mysql?.opaque).toMatchObject({ bytes: 116, printable: 1 });
    const texts = mysql?.readings.map(({ text }) => text).join('');
    expect(texts).toContain('USER root PASS T0pSecret!');
    expect(texts).toContain('4111111111111111');
    expect(mysql?.readings.every(({ kind, secret }) => kind === 'content' && secret === '')).toBe(true);
  });

  test('who is where', () => {
    const rows = hosts.map(({ vni, ip, mac, vtep, names }) =>
      [vni, formatIp(ip), mac && formatMac(mac), vtep && formatIp(vtep), ...names].join(' '),
    );
    expect(rows).toContain('4098 10.0.1.5 02:42:0a:00:01:05 192.0.2.11 appserver-2');
    expect(rows).toContain('4097 10.0.3.2 02:42:0a:00:03:02 192.0.2.13');
    expect(rows).toContain('4099 10.0.2.2 02:42:0a:00:02:02 192.0.2.12');
  });

  test('every payload byte once', () => {
    expect(conversations.map(({ server, bytes }) => [server.port, bytes])).toEqual([
      [80, 333],
      [8080, 294],
      [3306, 116],
      [80, 61_496],
      [81, 0],
    ]);
  });
});

test('two networks with the same addresses and ports, each with its own password', () => {
  const { conversations } = overhearCapture('kernel/overlap-two-vnis.pcap').report;
  const secrets = conversations.map(({ vni, readings }) => [
    vni,
    ...readings.filter(({ kind }) => kind === 'secret').map(({ text, secret }) => `${text}:${secret}`),
  ]);
  expect(secrets).toEqual([
    [100, 'tenant100:pw100'],
    [200, 'tenant200:pw200'],
  ]);
});

test('a capture of all interfaces has the tunnelled conversation once', () => {
  const { conversations } = overhearCapture('formats/any-sll2.pcap').report;
  const http = conversations.filter(({ protocol }) => protocol === 'HTTP');
  expect(http).toHaveLength(1);
  expect(http[0]).toMatchObject({ vni: 4097, missing: 0 });
  expect(http[0]?.readings.filter(({ what }) => what === 'request')).toHaveLength(1);
});

test('packets cut to 110 bytes show what is in them, and how much is missing', () => {
  const { conversations } = overhearCapture('kernel/perf-snap110.pcap').report;
  const tcp = conversations.filter(({ transport, missing }) => transport === 'TCP' && missing > 0);
  expect(tcp.length).toBeGreaterThan(100);
  expect(tcp.every(({ bytes, missing }) => missing > bytes)).toBe(true);
});

test('what comes in large frames or in small ones reads the same', () => {
  const texts = (name: string): string[][] =>
    overhearCapture(name).report.conversations.map(({ readings, bytes }) => [...lines(readings), `${bytes}`]);
  const plain = texts('kernel/http-noffload.pcap');
  expect(plain.flat()).toContain('> secret Basic credentials: alice / S3cr3t-pa55');
  expect(plain.flat()).toContain('> secret form field password: bob / hunter2');
  expect(texts('kernel/http-noffload-peer.pcap')).toEqual(plain);
  const large = texts('kernel/http-offload.pcap');
  expect(large.slice(0, 2)).toEqual([plain[0], plain[2]]);
});

describe('the same traffic in ESP', () => {
  const plain = overhearCapture('docker-swarm/traffic-worker1-eth0.pcap').report;
  const sealed = sealCapture(captureBytes('docker-swarm/traffic-worker1-eth0.pcap'));

  test('shows who, how much, and noise', () => {
    const { report } = overhearFile(sealed.closed);
    expect(report).toMatchObject({ conversations: [], hosts: [], tunnelled: 0 });
    expect(report.sealed).toHaveLength(sealed.associations.length);
    expect(report.sealed.map(({ spi }) => spi).toSorted()).toEqual(
      sealed.associations.map(({ spi }) => spi).toSorted(),
    );
    for (const { opaque, packets } of report.sealed) {
      expect(packets).toBeGreaterThan(0);
      expect(opaque.entropy).toBeGreaterThan(7.5);
      expect(opaque.printable).toBeLessThan(0.5);
    }
  });

  test('reads as before with its keys, and says that it was opened', () => {
    const opener = new Opener(sealed.associations.map(keyOf), NODE_CIPHER);
    const { report } = overhearFile(sealed.closed, {}, new Sight(DEFAULT_WALK, {}, opener));
    expect(report.conversations.map(({ vni, readings }) => [vni, ...lines(readings)])).toEqual(
      plain.conversations.map(({ vni, readings }) => [vni, ...lines(readings)]),
    );
    const places = report.conversations.flatMap(({ readings }) => readings.map(({ place }) => place.within));
    expect(new Set(places)).toEqual(new Set(['opened']));
    expect(report.hosts).toEqual(plain.hosts);
    expect(report.sealed).toHaveLength(sealed.associations.length);
  });
});

const SPELLED = new Set(['request', 'Host', 'Basic credentials', 'SNI']);

describe.each(['docker-swarm', 'kernel', 'ovs', 'formats', 'public'])('all of %s', (folder) => {
  test('no reading points at other bytes', () => {
    let read = 0;
    for (const name of captureNames(folder)) {
      if (!/\.(pcap|pcapng|cap)$/.test(name)) continue;
      const heard = overhearCapture(name);
      for (const reading of heard.report.conversations.flatMap(({ readings }) => readings)) {
        if (reading.place.within !== 'packet') continue;
        const bytes = bytesAt(heard, reading);
        read++;
        expect(bytes.length, `${name} ${reading.what}`).toBeGreaterThan(0);
        if (reading.what === 'Basic credentials') {
          expect(Buffer.from(bytes, 'base64').toString('latin1')).toBe(`${reading.text}:${reading.secret}`);
        } else if (reading.what === 'request') {
          const path = reading.text.slice(0, Math.min(24, bytes.length));
          if (!path.includes('\\x')) expect(bytes).toContain(path.split('***')[0]);
        } else if (reading.what.startsWith('cookie ')) {
          expect(reading.secret).toContain(Buffer.from(bytes, 'latin1').toString().slice(0, 200));
        } else if (SPELLED.has(reading.what) && !reading.text.includes('\\x')) {
          expect(bytes).toBe(reading.text);
        }
      }
    }
    expect(read).toBeGreaterThan(0);
  });
});
