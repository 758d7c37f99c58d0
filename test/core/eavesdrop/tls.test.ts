// What TLS says before it is encrypted. The bytes are OpenSSL's, and those of captures that others made.

import { readFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import type { SecureVersion } from 'node:tls';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { certificateNames } from '../../../src/core/eavesdrop/tls/certificate.ts';
import { readHello } from '../../../src/core/eavesdrop/tls/hello.ts';
import { tries } from '../../support/properties.ts';
import type { Turn } from './overhear.ts';
import { bytesAt, lines, only, overhear, overhearCapture, played } from './overhear.ts';

const pem = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../fixtures/tls/${name}.pem`, import.meta.url)), 'latin1');

/** Two ends of a wire that notes what goes over it. */
function wire(turns: Turn[]): [Duplex, Duplex] {
  const end = (who: '>' | '<', other: () => Duplex): Duplex =>
    new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        turns.push([who, new Uint8Array(chunk)]);
        setImmediate(() => other().push(chunk));
        done();
      },
      final: (done) => {
        other().push(null);
        done();
      },
    });
  const client: Duplex = end('>', () => server);
  const server: Duplex = end('<', () => client);
  return [client, server];
}

/** What OpenSSL sends when a secret is fetched over TLS of one version. */
async function fetched(version: SecureVersion): Promise<Turn[]> {
  const turns: Turn[] = [];
  const [near, far] = wire(turns);
  const secureContext = createSecureContext({
    cert: pem('cert'),
    key: pem('key'),
    minVersion: version,
    maxVersion: version,
  });
  const server = new TLSSocket(far, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
  server.on('data', () => server.end('the secret answer'));
  await new Promise<void>((resolve, reject) => {
    const client = connect(
      {
        socket: near,
        servername: 'web',
        ca: pem('cert'),
        ALPNProtocols: ['h2', 'http/1.1'],
        minVersion: version,
        maxVersion: version,
      },
      () => client.write('the secret question'),
    );
    client.on('data', () => {});
    client.on('end', () => resolve());
    client.on('error', reject);
    server.on('error', reject);
  });
  return turns;
}

describe('OpenSSL', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', async (version) => {
    const turns = await fetched(version);
    for (const size of [1448, 100, 1]) {
      const heard = overhear(played(443, turns, size));
      const one = only(heard);
      expect(one).toMatchObject({ protocol: 'TLS', opaque: null });
      const names = version === 'TLSv1.2' ? ['b', 'web', 'appserver', 'localhost'] : [];
      expect(lines(one.readings).filter((line) => !line.includes('certificate subject'))).toEqual([
        '> name SNI: web',
        '> content protocols offered: h2, http/1.1',
        `< content version: ${version.replace('v', ' ')}`,
        ...(version === 'TLSv1.2' ? ['< content protocol chosen: http/1.1'] : []),
        ...names.map((name) => `< name certificate dns: ${name}`),
        ...(version === 'TLSv1.2'
          ? ['< name certificate ip: 10.0.0.2', '< name certificate ip: 127.0.0.1']
          : []),
      ]);
      for (const reading of one.readings.filter(({ what }) => what === 'SNI' || what === 'certificate dns')) {
        expect(reading.text.startsWith(bytesAt(heard, reading))).toBe(true);
        expect(reading.length).toBe(reading.text.length);
      }
      expect(heard.report.hosts.flatMap(({ names: known }) => known)).toContain('web');
    }
  });
});

describe('captures', () => {
  test('a certificate with eight names, as tshark reads it', () => {
    const one = only(overhearCapture('public/zeek/tunnels/geneve-47101.pcap'));
    expect(lines(one.readings)).toEqual([
      '> name SNI: www.kernel.org',
      '> content protocols offered: h2, http/1.1',
      '< content version: TLS 1.2',
      '< content protocol chosen: http/1.1',
      '< name certificate subject: ams.source.kernel.org',
      ...['ams.source', 'android', 'git', '', 'linux', 'lore', 'wireless', 'www'].map(
        (name) => `< name certificate dns: ${name === '' ? '' : `${name}.`}kernel.org`,
      ),
    ]);
  });

  test("a swarm's control connection, from its middle, is encrypted and not opaque", () => {
    const { conversations } = overhearCapture('docker-swarm/traffic-underlay.pcap').report;
    const control = conversations.filter(({ server }) => server.port === 2377);
    expect(control.map(({ protocol, opaque }) => [protocol, opaque])).toEqual([
      ['TLS', null],
      ['TLS', null],
    ]);
  });
});

test('bytes that only begin like TLS are given back', () => {
  const one = only(overhear(played(9999, [['>', '\x16\x03\x01\x00\x05\x02nope, no hello at all']])));
  expect(one.protocol).toBe('');
});

describe('damage', () => {
  test('a hello and a certificate cut or changed anywhere never throw', async () => {
    const turns = await fetched('TLSv1.2');
    const hello = turns[0]?.[1] as Uint8Array;
    const chain = turns[1]?.[1] as Uint8Array;
    const change = fc.array(fc.tuple(fc.nat(3000), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(change, fc.nat(3000), fc.nat(3000), (changes, from, to) => {
        for (const whole of [hello, chain]) {
          const bytes = whole.slice();
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          const end = Math.min(to, bytes.length);
          readHello(bytes, Math.min(from % 20, end), end, whole === hello);
          certificateNames(bytes, Math.min(from, end), end);
        }
      }),
      tries(3000),
    );
  });
});
