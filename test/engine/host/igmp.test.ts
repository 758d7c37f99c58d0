// Joining and leaving IPv4 groups, against what the kernel sends.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIp, parseMac } from '../../../src/core/wire/address.ts';
import * as igmp from '../../../src/core/wire/igmp.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { Inbox, Lab, pattern } from '../../support/lab.ts';
import { packet4, udpBytes } from './packets.ts';

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

  test('interfaces are told apart', () => {
    const second = lab.alone(host, { ips: ['203.0.113.2/24'] });
    join();
    host.ip4.igmp.membership(second, GROUP, true);
    leave();
    lab.run(2);
    expect(second.groups.has(GROUP)).toBe(true);
    const from = lab.frames(0x0800).map(({ bytes }, i) => `${bytes[26]} ${reports()[i]}`);
    expect(from.sort()).toEqual([
      '198 3 239.1.1.1',
      '198 3 239.1.1.1',
      '198 4 239.1.1.1',
      '203 4 239.1.1.1',
      '203 4 239.1.1.1',
    ]);
    lab.sent.length = 0;
    join();
    lab.run(2);
    lab.sent.length = 0;
    lab.inject(host, query('0.0.0.0', 10), 0);
    lab.inject(host, query('0.0.0.0', 10), 1);
    lab.run(1);
    expect(
      lab
        .frames(0x0800)
        .map(({ bytes }) => bytes[26])
        .sort(),
    ).toEqual([198, 203]);
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
