// tshark as a judge of what the programs say: the streams of the three tiers, written down by a relay and put into TCP segments,
// must be HTTP and MySQL to it from the first byte to the last, and give it nothing to complain of.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import { afterAll, describe, expect, test } from 'vitest';
import { appServer } from '../../../src/apps/programs/app-server.ts';
import { httpClient } from '../../../src/apps/programs/http-client.ts';
import { httpServer } from '../../../src/apps/programs/http-server.ts';
import { mysqlServer } from '../../../src/apps/programs/mysql-server.ts';
import { LINKTYPE } from '../../../src/core/pcap/linktype.ts';
import { PcapWriter } from '../../../src/core/pcap/pcap-writer.ts';
import { pseudo4 } from '../../../src/core/wire/checksum.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import { hasTool, runTool } from '../../support/peers.ts';
import type { Said } from './relay.ts';
import { relay } from './relay.ts';
import { specOf } from './specs.ts';
import { Street } from './street.ts';

const folder = mkdtempSync(join(tmpdir(), 'vxlab-programs-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The conversations as a capture of whole TCP connections between two addresses. */
class Segments {
  readonly #chunks: Uint8Array[] = [];
  readonly #writer: PcapWriter = new PcapWriter((bytes) => this.#chunks.push(bytes.slice()), {
    linkType: LINKTYPE.raw,
  });
  readonly #sequences: Map<string, number> = new Map();
  #packets = 0;

  add(said: readonly Said[]): void {
    for (const key of new Set(said.map(({ port, stream }) => `${port}/${stream}`))) {
      const [port = 0, stream = 0] = key.split('/').map(Number);
      const send = (byClient: boolean, bits: number, bytes: Buffer = Buffer.alloc(0)): void =>
        this.#segment(port, stream, byClient, bits, bytes);
      send(true, tcp.FLAG.SYN);
      send(false, tcp.FLAG.SYN | tcp.FLAG.ACK);
      send(true, tcp.FLAG.ACK);
      for (const one of said) {
        if (one.port !== port || one.stream !== stream) continue;
        for (let at = 0; at < one.bytes.length; at += 1400) {
          send(one.byClient, tcp.FLAG.ACK | tcp.FLAG.PSH, one.bytes.subarray(at, at + 1400));
          send(!one.byClient, tcp.FLAG.ACK);
        }
      }
      send(true, tcp.FLAG.FIN | tcp.FLAG.ACK);
      send(false, tcp.FLAG.FIN | tcp.FLAG.ACK);
      send(true, tcp.FLAG.ACK);
    }
  }

  bytes(): Uint8Array {
    this.#writer.flush();
    return Buffer.concat(this.#chunks);
  }

  #segment(port: number, stream: number, byClient: boolean, bits: number, bytes: Buffer): void {
    const [client, server] = [parseIp('10.0.0.2') as number, parseIp('10.0.0.3') as number];
    const ports = [40_000 + port + stream, port] as const;
    const mine = `${port}/${stream}/${byClient}`;
    const theirs = `${port}/${stream}/${!byClient}`;
    const seq = this.#sequences.get(mine) ?? 1000;
    const ack = bits & tcp.FLAG.ACK ? (this.#sequences.get(theirs) ?? 1000) : 0;
    const all = new Uint8Array(40 + bytes.length);
    const view = new DataView(all.buffer);
    all.set(bytes, 40);
    const [src, dst] = byClient ? [client, server] : [server, client];
    const [from, to] = byClient ? ports : [ports[1], ports[0]];
    const pseudo = pseudo4(src, dst, 6, 20 + bytes.length);
    tcp.write(view, 20, all.length, from, to, seq, ack, bits, 65_535, 20, pseudo);
    ipv4.write(view, 0, all.length, src, dst, 6, 64, 0, 0, true);
    const phantom = bits & (tcp.FLAG.SYN | tcp.FLAG.FIN) ? 1 : 0;
    this.#sequences.set(mine, seq + bytes.length + phantom);
    this.#writer.writePacket(0, 1000, this.#packets++ * 1000, view, 0, all.length, all.length);
  }
}

function dissect(file: string, filter: string, ...fields: readonly string[]): string[] {
  const wanted = fields.flatMap((field) => ['-e', field]);
  return runTool('tshark', ['-r', file, '-Y', filter, '-T', 'fields', ...wanted])
    .split('\n')
    .filter((line) => line !== '');
}

describe.skipIf(!hasTool('tshark'))('tshark', () => {
  test('sees HTTP and MySQL in every stream, and nothing to complain of', async () => {
    const street = new Street();
    const said: Said[] = [];
    for (const [i, name] of ['db', 'mysql', 'application', 'app', 'client'].entries()) {
      street.house(name, `10.0.0.${i + 2}`);
    }
    street.start('db', mysqlServer(specOf('mysql-server', { password: 'secret' })));
    street.start('mysql', relay(3306, 'db', said));
    const database = 'mysql://app:secret@mysql:3306/web_customer_tracker';
    street.start('application', appServer(specOf('app-server', { port: 8080, database })));
    street.start('app', relay(8080, 'application', said));
    street.start('app', httpServer(specOf('http-server', { upstream: 'http://app:8080' })));
    const url = 'http://app/customers/[98-103]';
    const client = street.start('client', httpClient(specOf('http-client', { url, rate: 10, count: 12 })));
    await street.code(client);
    const tried = street.start('client', async ({ net }) => {
      const connection = await mysql.createConnection({
        user: 'app',
        password: 'secret',
        database: 'web_customer_tracker',
        connectTimeout: 0,
        stream: () => net.connect(3306, 'mysql'),
      });
      await connection.query('SET NAMES utf8mb4');
      await connection.query('SELECT @@version_comment, COUNT(*) FROM customer');
      await connection.query('SHOW TABLES');
      await connection.query("INSERT INTO customer (first_name) VALUES ('Ä'), (NULL)");
      await connection.query('SELECT * FROM orders').catch(() => {});
      await connection.execute('SELECT * FROM customer WHERE id > ? AND first_name <> ?', [90, 'Kim']);
      await connection.ping();
      await connection.end();
    });
    expect(await street.code(tried)).toBe(0);
    await street.pass(1);
    await street.end();
    expect(said.length).toBeGreaterThan(40);

    const segments = new Segments();
    segments.add(said);
    const file = join(folder, 'streams.pcap');
    writeFileSync(file, segments.bytes());
    expect(
      dissect(file, '_ws.malformed || _ws.expert.severity >= 0x600000', 'frame.number', '_ws.expert.message'),
    ).toEqual([]);
    expect(dissect(file, 'tcp.len > 0 && !mysql && !http && !tcp.reassembled_in', 'frame.number')).toEqual(
      [],
    );
    const queries = dissect(file, 'mysql.query', 'mysql.query');
    expect(queries.filter((query) => query.includes('WHERE id = '))).toHaveLength(12);
    expect(queries[0]).toBe('SELECT id, first_name, last_name, email FROM customer WHERE id = 98');
    expect(dissect(file, 'mysql.error_code', 'mysql.error_code')).toEqual(['1146']);
    expect(dissect(file, 'mysql.version', 'mysql.version', 'mysql.auth_plugin')).toEqual([
      '5.7.44-vxlab\tmysql_native_password',
      '5.7.44-vxlab\tmysql_native_password',
    ]);
    expect(dissect(file, 'http.request', 'http.request.uri')).toHaveLength(12);
    expect(
      dissect(file, 'http.response', 'http.response.code').filter((code) => code === '404'),
    ).toHaveLength(6);
  });
});
