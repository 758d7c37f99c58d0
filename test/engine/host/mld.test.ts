// Joining and leaving IPv6 groups, against what the kernel sends.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIp, parseMac } from '../../../src/core/wire/address.ts';
import * as mld from '../../../src/core/wire/mld.ts';
import { parseIp, parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { Inbox, Lab, pattern } from '../../support/lab.ts';
import { concat, icmp6Bytes, packet6, udpBytes } from './packets.ts';

const GROUP = parseIp('239.1.1.1');

let lab: Lab;
let host: Host;
let dev: Interface;

afterEach(() => lab.end());

describe('MLD', () => {
  const MAC = parseMac('0a:00:00:00:00:01');
  const LINK = 'fe80::800:ff:fe00:1';

  beforeEach(() => {
    lab = new Lab();
    host = lab.host('host');
    dev = lab.alone(host, { ips: ['fd00:6::1/64'], mac: MAC });
  });

  const join = (group: string): void => host.ip6.mld.membership(dev, parseIp(group), true);
  const leave = (group: string): void => host.ip6.mld.membership(dev, parseIp(group), false);
  const reports = (): string[] =>
    lab.frames(0x86dd).map(({ bytes }) => {
      const message = mld.read(viewOf(bytes), 62, bytes.length);
      return (message.records ?? []).map((record) => `${record.type} ${formatIp(record.group)}`).join();
    });
  /** Lets the reports about the interface's own addresses go by. */
  const settle = (): void => {
    lab.run(2);
    lab.sent.length = 0;
  };
  const query = (group: string, delay: number, from = 'fe80::99', hops = 1): Uint8Array => {
    const rest = new Uint8Array(28);
    mld.writeQuery(viewOf(rest), 0, parseIp6(group), [], delay, 0);
    const dst = 'ff02::1';
    const message = icmp6Bytes(from, dst, 130, 0, rest.slice(4));
    return packet6({ to: 0x333300000001, from: 0x02aa }, { src: from, dst, next: 58, hops }, message);
  };

  test('a new interface reports its solicited-node group with the bytes of ipv6-underlay.pcap', () => {
    // Frame 1, behind the outer headers: fd00:6::1 and its link-local address share a group.
    const captured = packetsOf(captureBytes('kernel/ipv6-underlay.pcap'))[0]?.bytes.slice(70) as Uint8Array;
    lab.run(0);
    expect(lab.sent.map((frame) => toHex(frame.bytes))).toEqual([toHex(captured)]);
    lab.run(1);
    expect(lab.sent.map((frame) => toHex(frame.bytes))).toEqual([toHex(captured), toHex(captured)]);
    lab.run(100);
    expect(lab.sent.length).toBe(2);
  });

  test('the groups of an interface: all nodes, and one for its addresses', () => {
    expect(dev.groups.entries().map(([group, users]) => [formatIp(group), users])).toEqual([
      ['ff02::1', 1],
      ['ff02::1:ff00:1', 2],
    ]);
    host.removeAddress(dev, parseIp('fd00:6::1'));
    expect(dev.groups.get(parseIp('ff02::1:ff00:1'))).toBe(1);
    host.removeAddress(dev, parseIp(LINK));
    expect(dev.groups.has(parseIp('ff02::1:ff00:1'))).toBe(false);
  });

  test('joins and leaves of one instant share a report, which is sent twice', () => {
    settle();
    join('ff05::1');
    join('ff05::2');
    join('ff05::2');
    lab.run(2);
    expect(reports()).toEqual(['4 ff05::1,4 ff05::2', '4 ff05::1,4 ff05::2']);
    lab.sent.length = 0;
    leave('ff05::1');
    leave('ff05::2');
    leave('ff05::9');
    lab.run(2);
    expect(reports()).toEqual(['3 ff05::1', '3 ff05::1']);
  });

  test('who joins and leaves within a second does not repeat the join after the leave', () => {
    settle();
    join('ff05::1');
    join('ff05::2');
    lab.run(0);
    leave('ff05::1');
    lab.run(2);
    expect(reports()[0]).toBe('4 ff05::1,4 ff05::2');
    expect(reports().slice(1).sort()).toEqual(['3 ff05::1', '3 ff05::1', '4 ff05::2']);
  });

  test('joined and left at once: only the leave is told, and a repetition left empty is not sent', () => {
    settle();
    join('ff05::1');
    lab.run(0);
    leave('ff05::1');
    lab.run(2);
    expect(reports()).toEqual(['4 ff05::1', '3 ff05::1', '3 ff05::1']);
  });

  test('all nodes and groups of the node are never reported', () => {
    settle();
    for (const group of ['ff02::1', 'ff01::5', 'ff00::5']) join(group);
    host.ip6.mld.membership(dev, GROUP, true);
    lab.run(2);
    expect(reports()).toEqual([]);
  });

  test('a general query is answered with all groups in one report, a group query with its group', () => {
    settle();
    join('ff05::1');
    settle();
    lab.inject(host, query('::', 1000));
    lab.inject(host, query('::', 1000));
    lab.inject(host, query('ff05::1', 1000));
    lab.run(1);
    expect(reports()).toEqual(['2 ff02::1:ff00:1,2 ff05::1']);
    lab.sent.length = 0;
    lab.inject(host, query('ff05::1', 0));
    lab.inject(host, query('ff05::1', 0));
    lab.run(0.001);
    expect(reports()).toEqual(['2 ff05::1']);
    lab.inject(host, query('ff05::9', 100));
    lab.inject(host, query('ff02::1', 100));
    lab.run(1);
    expect(reports().length).toBe(1);
  });

  test('a group that was left is not answered for', () => {
    settle();
    join('ff05::1');
    settle();
    lab.inject(host, query('ff05::1', 30000));
    leave('ff05::1');
    lab.run(31);
    expect(reports()).toEqual(['3 ff05::1', '3 ff05::1']);
  });

  test('interfaces are told apart', () => {
    const second = lab.alone(host, { ips: ['fd00:7::1/64'], mac: parseMac('0a:00:00:00:00:09') });
    settle();
    join('ff05::1');
    host.ip6.mld.membership(second, parseIp('ff05::1'), true);
    lab.run(0);
    leave('ff05::1');
    lab.run(2);
    const from = lab.frames(0x86dd).map(({ bytes }, i) => `${bytes[37]} ${reports()[i]}`);
    expect(from.sort()).toEqual(['1 3 ff05::1', '1 3 ff05::1', '1 4 ff05::1', '9 4 ff05::1', '9 4 ff05::1']);
    lab.sent.length = 0;
    lab.inject(host, query('ff05::1', 1000), 1);
    lab.inject(host, query('::', 1000), 0);
    lab.inject(host, query('::', 1000), 1);
    lab.run(1);
    expect(
      lab
        .frames(0x86dd)
        .map(({ bytes }, i) => `${bytes[37]} ${reports()[i]}`)
        .sort(),
    ).toEqual(['1 2 ff02::1:ff00:1', '9 2 ff02::1:ff00:1,2 ff02::1:ff00:9,2 ff05::1', '9 2 ff05::1']);
  });

  test('many groups take several reports, none over the least MTU', () => {
    settle();
    for (let i = 1; i <= 130; i++) join(`ff05::${i.toString(16)}`);
    lab.run(0);
    expect(lab.sent.map((frame) => mld.read(viewOf(frame.bytes), 62, 0).records?.length)).toEqual([
      60, 60, 10,
    ]);
    for (const { bytes } of lab.sent) expect(bytes.length - 14).toBeLessThanOrEqual(1280);
  });

  test('queries from elsewhere or broken are dropped', () => {
    settle();
    lab.inject(host, query('::', 100, 'fd00:6::9'));
    lab.inject(host, query('::', 100, 'fe80::99', 64));
    const short = icmp6Bytes('fe80::99', 'ff02::1', 130, 0, new Uint8Array(8));
    lab.inject(
      host,
      packet6({ to: 0x333300000001, from: 2 }, { src: 'fe80::99', dst: 'ff02::1', next: 58, hops: 1 }, short),
    );
    lab.run(1);
    expect(reports()).toEqual([]);
    expect(host.counters.dropped(DROP.invalidHeader)).toBe(3);
  });

  test('a query with a router alert is read as well', () => {
    settle();
    const plain = query('::', 100);
    const alert = Uint8Array.of(58, 0, 5, 2, 0, 0, 1, 0);
    const bytes = packet6(
      { to: 0x333300000001, from: 0x02aa },
      { src: 'fe80::99', dst: 'ff02::1', next: 0, hops: 1 },
      concat(alert, plain.slice(54)),
    );
    lab.inject(host, bytes);
    lab.run(1);
    expect(reports()).toEqual(['2 ff02::1:ff00:1']);
  });

  test('datagrams to the group come in while joined', () => {
    settle();
    const inbox = new Inbox();
    host.udp.bind(4789, inbox);
    const datagram = (): Uint8Array =>
      packet6(
        { to: 0x333300000001, from: 0x02aa },
        { src: 'fd00:6::2', dst: 'ff05::1', next: 17 },
        udpBytes('fd00:6::2', 'ff05::1', 1, 4789, pattern(4)),
      );
    lab.inject(host, datagram());
    join('ff05::1');
    lab.inject(host, datagram());
    leave('ff05::1');
    lab.inject(host, datagram());
    expect(inbox.datagrams.length).toBe(1);
  });

  test('an interface without link-local address reports from ::', () => {
    settle();
    host.removeAddress(dev, parseIp(LINK));
    host.removeAddress(dev, parseIp('fd00:6::1'));
    lab.run(0);
    expect(toHex(lab.sent[0]?.bytes.slice(22, 38) as Uint8Array)).toBe('00'.repeat(16));
    expect(reports()).toEqual(['3 ff02::1:ff00:1']);
  });
});
