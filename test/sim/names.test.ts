// The lecture's stacks asking for each other by name, as the programs in their containers will, beside what the real
// swarm said (fixtures/captures/docker-swarm/facts.md s.5, facts/dns-dig.txt).

import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { formatIp } from '../../src/core/wire/address.ts';
import * as dns from '../../src/core/wire/dns.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import type { LookupAnswer, QueryAnswer } from '../../src/engine/host/names.ts';
import type { Container } from '../../src/engine/orchestrate/container.ts';
import { viewOf } from '../support/bytes.ts';
import { capturePath } from '../support/captures.ts';
import { Inbox } from '../support/lab.ts';
import { Network } from './network.ts';

const open: Network[] = [];

function run(stack: string, profile = 'docker', seed = 1): Network {
  const network = new Network(profile, {}, seed, stack);
  open.push(network);
  return network;
}

afterEach(() => {
  for (const network of open.splice(0)) network.end();
});

function container(of: Network, name: string): Container {
  return of.sim.world.containers.get(`lecture_${name}`) as Container;
}

/** `address ...` in the order told, or the error. */
function look(of: Network, from: string, name: string, family: 0 | 4 | 6 = 0): string {
  const told: LookupAnswer[] = [];
  container(of, from).resolver.lookup(name, family, (answer) => told.push(answer));
  expect(told).toEqual([]);
  while (told.length === 0 && of.sim.clock.step());
  const [{ addresses, error }] = told as [LookupAnswer];
  return error ?? addresses.map(formatIp).join(' ');
}

/** An answer in dig's words: flags, question, and records one a line. */
function dig(
  of: Network,
  from: string,
  name: string,
  type: number,
): { head: string; records: string[]; size: number } {
  const told: QueryAnswer[] = [];
  container(of, from).resolver.query(name, type, null, (answer) => told.push(answer));
  while (told.length === 0 && of.sim.clock.step());
  const [{ message, server }] = told as [QueryAnswer];
  expect(formatIp(server)).toBe('127.0.0.11');
  const bytes = message as Uint8Array;
  const read = dns.read(viewOf(bytes), 0, bytes.length);
  if (typeof read === 'number') throw new Error(`fault ${read}`);
  const status = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'][dns.rcode(read.flags)];
  const flags = [
    (read.flags & dns.FLAG.response) !== 0 && 'qr',
    (read.flags & dns.FLAG.authoritative) !== 0 && 'aa',
    (read.flags & dns.FLAG.truncated) !== 0 && 'tc',
    (read.flags & dns.FLAG.recursionDesired) !== 0 && 'rd',
    (read.flags & dns.FLAG.recursionAvailable) !== 0 && 'ra',
  ].filter((flag) => flag !== false);
  const counts = [read.questions, read.answers, read.authorities, read.additionals].map(
    (list) => list.length,
  );
  const records = read.answers.map((record) => {
    const data =
      record.data.kind === 'a' || record.data.kind === 'aaaa'
        ? formatIp(record.data.address)
        : record.data.kind === 'name'
          ? `${record.data.name}.`
          : '?';
    return `${record.name}. ${record.ttl} IN ${record.type === 12 ? 'PTR' : record.type === 28 ? 'AAAA' : 'A'} ${data}`;
  });
  return { head: `${status} ${flags.join(' ')} ${counts.join(' ')}`, records, size: bytes.length };
}

/** Every answer in the file that dig wrote on the real swarm, in webserver.2. */
function realDigs(): { name: string; type: string; head: string; records: string[]; size: number }[] {
  const text = readFileSync(capturePath('docker-swarm/facts/dns-dig.txt'), 'utf8');
  return text.split('; <<>> DiG').flatMap((part) => {
    const asked = /@127\.0\.0\.11 (?:-x )?(\S+)(?: (\S+))?/.exec(part);
    const status = /status: (\w+)/.exec(part)?.[1];
    if (asked === null || status === undefined) return [];
    const [, flags, ...counts] =
      /flags: ([a-z ]+); QUERY: (\d+), ANSWER: (\d+), AUTHORITY: (\d+), ADDITIONAL: (\d+)/.exec(part) ?? [];
    const section = /ANSWER SECTION:\n([\s\S]*?)\n\n/.exec(part)?.[1] ?? '';
    const records = section === '' ? [] : section.split('\n').map((line) => line.replaceAll(/\t+/g, ' '));
    const head = `${status} ${flags} ${counts.join(' ')}`;
    const size = Number(/MSG SIZE {2}rcvd: (\d+)/.exec(part)?.[1]);
    return [{ name: asked[1] as string, type: asked[2] ?? 'PTR', head, records, size }];
  });
}

describe('lecture-dnsrr.yml, as the real swarm ran it', () => {
  test('dig says what it said there: header, records, sizes; ids of tasks are our own', () => {
    const it = run('lecture-dnsrr.yml');
    const real = realDigs();
    expect(real.map(({ name }) => name)).toEqual([
      'webserver',
      'appserver',
      'appserver',
      'lecture_webserver',
      'tasks.webserver',
      'webserver-2',
      '10.0.1.2',
      '10.0.1.4',
    ]);
    const ids = (line: string): string => line.replace(/\.[a-z0-9]{25}\./, '.ID.');
    for (const { name, type, head, records, size } of real) {
      const code = { A: dns.RR.a, AAAA: dns.RR.aaaa, PTR: dns.RR.ptr }[type] as number;
      const asked = type === 'PTR' ? `${name.split('.').reverse().join('.')}.in-addr.arpa` : name;
      const ours = dig(it, 'webserver.2', asked, code);
      expect({ ...ours, records: ours.records.map(ids).sort() }).toEqual({
        head,
        size,
        records: records.map(ids).sort(),
      });
    }
  });

  test('a name is its addresses on a shared network, in an order that changes from question to question', () => {
    const it = run('lecture-dnsrr.yml');
    const orders = Array.from({ length: 40 }, () => look(it, 'webserver.1', 'appserver'));
    expect([...new Set(orders)].sort()).toEqual(['10.0.1.4 10.0.1.5', '10.0.1.5 10.0.1.4']);
    const again = run('lecture-dnsrr.yml');
    expect(Array.from({ length: 40 }, () => look(again, 'webserver.1', 'appserver'))).toEqual(orders);
    const other = run('lecture-dnsrr.yml', 'docker', 2);
    expect(Array.from({ length: 40 }, () => look(other, 'webserver.1', 'appserver'))).not.toEqual(orders);
  });

  test.each([
    ['appserver.1', 'mysql', '10.0.3.4'],
    ['appserver.1', 'mysql-1', '10.0.3.4'],
    ['mysql.1', 'appserver-2', '10.0.3.3'],
    ['webserver.1', 'mysql', 'ENOTFOUND'],
    ['webserver.1', 'webserver-1', '10.0.1.2'],
    ['webserver.1', 'localhost', '127.0.0.1 ::1'],
    ['webserver.1', 'example.com', 'EAI_AGAIN'],
    ['webserver.1', 'nosuch', 'ENOTFOUND'],
    ['webserver.1', '10.0.3.2', '10.0.3.2'],
  ])('%s looks for %s: %s', (from, name, said) => {
    expect(look(run('lecture-dnsrr.yml'), from, name)).toBe(said);
  });

  test('a container finds itself in its hosts file, once for each overlay address', () => {
    const it = run('lecture-dnsrr.yml');
    expect(look(it, 'appserver.1', 'appserver-1')).toBe('10.0.2.2 10.0.3.2 10.0.1.4');
    expect(look(it, 'appserver.2', 'appserver-1', 4)).toBe('10.0.2.2');
  });

  test('nothing of it is seen on a wire, and time stands still', () => {
    const it = run('lecture-dnsrr.yml').quiet();
    for (const name of ['webserver', 'mysql', 'example.com', 'nosuch']) look(it, 'webserver.1', name);
    expect(it.seen).toEqual([]);
    expect(it.sim.clock.now).toBe(0);
  });
});

describe('lecture.yml, with virtual addresses', () => {
  test.each([
    ['webserver.1', 'appserver', '10.0.1.5'],
    ['webserver.1', 'lecture_appserver', '10.0.1.5'],
    ['appserver.1', 'mysql', '10.0.3.5'],
    ['appserver.1', 'lecture_mysql', '10.0.3.5'],
    ['webserver.1', 'mysql', 'ENOTFOUND'],
  ])('%s looks for %s: %s', (from, name, said) => {
    expect(look(run('lecture.yml'), from, name)).toBe(said);
  });

  test('tasks.NAME is the tasks', () => {
    expect(look(run('lecture.yml'), 'webserver.1', 'tasks.appserver').split(' ').sort()).toEqual([
      '10.0.1.6',
      '10.0.1.7',
    ]);
  });

  test('its own hostname is its overlay address, ingress last', () => {
    const it = run('lecture.yml');
    const { hostname } = container(it, 'webserver.1').task ?? { hostname: '' };
    expect(look(it, 'webserver.1', hostname)).toBe('10.0.1.3 10.0.0.6');
  });
});

describe('other shapes', () => {
  test("pods find each other by service and by pod: a name server that stands for the cluster's", () => {
    const it = run('lecture-dnsrr.yml', 'flannel');
    const ip = formatIp(container(it, 'mysql.1').task?.endpoints[0]?.ip ?? 0);
    for (const from of ['webserver.1', 'appserver.2'])
      for (const name of ['mysql', 'lecture_mysql.1', 'mysql-1']) expect(look(it, from, name)).toBe(ip);
  });

  test('a node knows all nodes, and no container', () => {
    const { sim } = run('lecture-dnsrr.yml');
    const resolver = sim.world.nodes.get('worker1')?.resolver;
    const told: string[] = [];
    for (const name of ['manager1', 'WORKER2', 'localhost', 'webserver', 'example.com'])
      resolver?.lookup(name, 0, ({ addresses, error }) =>
        told.push(error ?? addresses.map(formatIp).join(' ')),
      );
    sim.clock.step();
    expect(told).toEqual(['192.0.2.11', '192.0.2.13', '127.0.0.1 ::1', 'ENOTFOUND', 'ENOTFOUND']);
    expect(resolver?.server).toBeNull();
  });
});

test('a container may have a DNS server of its own on every address, and Docker keeps 127.0.0.11', () => {
  const it = run('lecture-dnsrr.yml');
  const { host } = container(it, 'webserver.1');
  const own = new Inbox();
  host.udp.bind(53, own);
  expect(look(it, 'webserver.1', 'webserver-2')).toBe('10.0.1.3');
  expect(own.datagrams).toEqual([]);
  host.udp.bind(0, new Inbox()).send(parseIp('127.0.0.1'), 53, new Uint8Array(12));
  expect(own.datagrams.length).toBe(1);
});

test('a container that stops while it asks leaves nothing behind', () => {
  const it = run('lecture-dnsrr.yml');
  const one = container(it, 'webserver.1');
  let told = 0;
  one.resolver.lookup('appserver', 0, () => told++);
  one.resolver.query('x', 1, parseIp('10.0.1.99'), () => told++);
  it.sim.world.stop(one);
  it.sim.clock.runUntilIdle();
  expect(told).toBe(0);
});
