// Joining and leaving groups: IGMPv3 and MLDv2, against what the kernel sends.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIp, parseIp, parseIp6, parseMac } from '../../../src/core/wire/address.ts';
import * as igmp from '../../../src/core/wire/igmp.ts';
import * as mld from '../../../src/core/wire/mld.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { Inbox, Lab, pattern } from '../../support/lab.ts';
import { concat, icmp6Bytes, packet4, packet6, udpBytes } from './packets.ts';

const GROUP = parseIp('239.1.1.1');

let lab: Lab;
let host: Host;
let dev: Interface;

afterEach(() => lab.end());

describe('IGMP', () => {
  beforeEach(() => {
    lab = new Lab();
    host = lab.host('host');
    dev = lab.alone(host, { ips: ['198.51.100.2/24'], mac: parseMac('52:54:00:aa:00:02') });
  });

  const join = (group = GROUP): void => host.ip4.igmp.membership(dev, group, true);
  const leave = (group = GROUP): void => host.ip4.igmp.membership(dev, group, false);
  /** Record type and group of each report sent. */
  const reports = (): string[] =>
    lab.frames(0x0800).map(({ bytes }) => {
      const message = igmp.read(viewOf(bytes), 38, bytes.length);
      return (message.records ?? []).map((record) => `${record.type} ${formatIp(record.group)}`).join();
    });
  const query = (group: string, tenths: number, v3 = true): Uint8Array => {
    const bytes = new Uint8Array(v3 ? 12 : 8);
    if (v3) igmp.writeQuery(viewOf(bytes), 0, parseIp(group) as number, [], tenths);
    else igmp.write(viewOf(bytes), 0, igmp.TYPE.query, parseIp(group) as number, tenths);
    const head = { to: 0x01005e000001, from: 0x02aa };
    return packet4(head, { src: '198.51.100.254', dst: '224.0.0.1', proto: 2, ttl: 1 }, bytes);
  };

  test('joins and leaves are the bytes of mcast3-underlay.pcap', () => {
    const captured = packetsOf(captureBytes('kernel/mcast3-underlay.pcap'))
      .map((packet) => toHex(packet.bytes))
      .filter((text) => text.startsWith('01005e000016525400aa0002'));
    const [joined, left] = [captured[0], captured.at(-1)];
    expect(joined).not.toBe(left);
    join();
    expect(lab.sent.map((frame) => toHex(frame.bytes))).toEqual([joined]);
    lab.run(1);
    expect(lab.sent.map((frame) => toHex(frame.bytes))).toEqual([joined, joined]);
    leave();
    lab.run(1);
    expect(lab.sent.map((frame) => toHex(frame.bytes))).toEqual([joined, joined, left, left]);
    lab.run(100);
    expect(lab.sent.length).toBe(4);
  });

  test('only the first user joins and only the last one leaves', () => {
    join();
    join();
    lab.run(1);
    expect(reports()).toEqual(['4 239.1.1.1', '4 239.1.1.1']);
    leave();
    lab.run(1);
    expect(reports().length).toBe(2);
    leave();
    leave();
    lab.run(1);
    expect(reports()).toEqual(['4 239.1.1.1', '4 239.1.1.1', '3 239.1.1.1', '3 239.1.1.1']);
  });

  test('who joins and leaves within a second does not repeat the join after the leave', () => {
    join();
    leave();
    lab.run(2);
    expect(reports()).toEqual(['4 239.1.1.1', '3 239.1.1.1', '3 239.1.1.1']);
  });

  test('a general query is answered for every group within its time, a group query for its group', () => {
    join();
    join(parseIp('239.2.2.2'));
    lab.run(2);
    lab.sent.length = 0;
    lab.inject(host, query('0.0.0.0', 20));
    lab.inject(host, query('0.0.0.0', 20));
    lab.run(2);
    expect(reports().sort()).toEqual(['2 239.1.1.1', '2 239.2.2.2']);
    lab.sent.length = 0;
    lab.inject(host, query('239.2.2.2', 10, false));
    lab.run(1);
    expect(reports()).toEqual(['2 239.2.2.2']);
    lab.inject(host, query('239.9.9.9', 10));
    lab.run(1);
    expect(reports().length).toBe(1);
    // Version 1 gives no time and means ten seconds.
    lab.inject(host, query('0.0.0.0', 0, false));
    lab.run(10);
    expect(reports().length).toBe(3);
  });

  test('a group that was left is not answered for', () => {
    join();
    lab.run(1);
    lab.sent.length = 0;
    lab.inject(host, query('0.0.0.0', 100));
    leave();
    lab.run(11);
    expect(reports()).toEqual(['3 239.1.1.1', '3 239.1.1.1']);
  });

  test('datagrams to the group come in while joined', () => {
    const inbox = new Inbox();
    host.udp.bind(4789, inbox);
    const head = { to: 0x01005e010101, from: 0x02aa };
    const datagram = (): Uint8Array =>
      packet4(
        head,
        { src: '198.51.100.3', dst: '239.1.1.1', proto: 17 },
        udpBytes('198.51.100.3', '239.1.1.1', 1, 4789, pattern(4)),
      );
    lab.inject(host, datagram());
    join();
    lab.inject(host, datagram());
    leave();
    lab.inject(host, datagram());
    expect(inbox.datagrams.length).toBe(1);
    expect(host.counters.dropped(DROP.notForUs)).toBe(2);
  });

  test('broken queries are dropped, IPv6 groups and reports of others passed over', () => {
    host.ip4.igmp.membership(dev, parseIp('ff05::1'), true);
    const bytes = query('0.0.0.0', 10);
    bytes[40] = 1;
    lab.inject(host, bytes);
    lab.inject(host, query('0.0.0.0', 10).slice(0, 40));
    const head = { to: 0x01005e000001, from: 0x02aa };
    lab.inject(host, packet4(head, { src: '198.51.100.3', dst: '224.0.0.1', proto: 2 }, Uint8Array.of(0x11)));
    const report = new Uint8Array(8);
    igmp.write(viewOf(report), 0, igmp.TYPE.reportV2, GROUP as number);
    lab.inject(host, packet4(head, { src: '198.51.100.3', dst: '224.0.0.1', proto: 2 }, report));
    lab.run(10);
    expect(reports()).toEqual([]);
    expect(host.counters.dropped(DROP.checksum)).toBe(1);
    expect(host.counters.dropped(DROP.invalidHeader)).toBe(2);
  });

  test('closing takes back what was to be said', () => {
    join();
    host.close();
    lab.run(10);
    expect(reports()).toEqual(['4 239.1.1.1']);
  });
});

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
