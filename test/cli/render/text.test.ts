import picocolors from 'picocolors';
import { describe, expect, test } from 'vitest';
import { renderJourney } from '../../../src/cli/render/journey.ts';
import { pingDocument, renderPing } from '../../../src/cli/render/ping.ts';
import { firstOf, table } from '../../../src/cli/render/table.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { PingAnswer } from '../../../src/lab/lab.ts';

const PLAIN = picocolors.createColors(false);

describe('table', () => {
  test('pads left columns, right-aligns numbers, leaves no space at the end', () => {
    expect(
      table(
        [{ head: 'NAME' }, { head: 'N', align: 'right' }, { head: 'LAST' }],
        [
          ['a', '1', 'x'],
          ['longer', '100', ''],
        ],
      ),
    ).toBe('NAME      N  LAST\na         1  x\nlonger  100\n');
  });

  test('says how many rows it leaves out', () => {
    expect(firstOf([1, 2, 3], 3)).toEqual({ shown: [1, 2, 3], more: '' });
    expect(firstOf([1, 2, 3], 2)).toEqual({ shown: [1, 2], more: '... and 1 more; --json lists them all\n' });
  });
});

describe('ping', () => {
  const answer = (errors: PingAnswer['errors'], address = '10.0.0.2'): PingAnswer => ({
    ...{ from: 'a', to: 'b', address, sent: 2, duplicates: 1 },
    replies: [{ seq: 2, from: parseIp(address), ttl: 63, bytes: 16, rtt: 12_345_678 }],
    errors,
  });
  const given = { size: 8, mtu: 1450, elapsed: 1_500_000_000 };

  test('prints errors in order of sequence, duplicates, and no time for a payload that holds none', () => {
    const router = parseIp('10.0.0.9');
    const text = renderPing(
      pingDocument(answer([{ seq: 1, from: router, type: 3, code: 1, mtu: 0 }]), given),
    );
    expect(text).toBe(
      [
        'PING b (10.0.0.2) 8(36) bytes of data.',
        'From 10.0.0.9 icmp_seq=1 Destination Host Unreachable',
        '16 bytes from 10.0.0.2: icmp_seq=2 ttl=63',
        '',
        '--- b ping statistics ---',
        '2 packets transmitted, 1 received, +1 duplicates, +1 errors, 50% packet loss, time 1500ms',
        'rtt min/avg/max/mdev = 12.346/12.346/12.346/0.000 ms\n',
      ].join('\n'),
    );
  });

  test.each([
    [3, 0, 'Destination Net Unreachable'],
    [3, 3, 'Destination Port Unreachable'],
    [3, 4, 'Frag needed and DF set (mtu = 1450)'],
    [3, 13, 'Packet filtered'],
    [11, 0, 'Time to live exceeded'],
    [11, 1, 'Frag reassembly time exceeded'],
    [12, 0, 'Bad ICMP type: 12'],
  ])('says what ICMP type %d code %d is', (type, code, text) => {
    const from = parseIp('10.0.0.9');
    expect(pingDocument(answer([{ seq: 1, from, type, code, mtu: 0 }]), given).errors[0]?.text).toBe(text);
  });

  test('has words for a refusal of the own stack and for IPv6', () => {
    const local = pingDocument(answer([{ seq: 1, from: null, type: 3, code: 0, mtu: 0 }]), given);
    expect(local.errors[0]?.text).toBe('connect: Network is unreachable');
    const from = parseIp('fd00::9');
    const six = pingDocument(answer([{ seq: 1, from, type: 1, code: 3, mtu: 0 }], 'fd00::2'), given);
    expect(six.errors[0]?.text).toBe('Destination unreachable: Address unreachable');
    expect(renderPing(six)).toMatch(/^PING b \(fd00::2\) 8 bytes of data\./);
  });

  test('writes times with three figures, as ping does', () => {
    const time = (rtt: number): string => {
      const replies = [{ seq: 1, from: 1, ttl: 64, bytes: 64, rtt }];
      const text = renderPing(pingDocument({ ...answer([]), replies }, { ...given, size: 56 }));
      return /time=(\S+) ms/.exec(text)?.[1] ?? '';
    };
    expect([time(123_400), time(1_234_000), time(12_340_000), time(123_400_000)]).toEqual([
      '0.123',
      '1.23',
      '12.3',
      '123',
    ]);
  });
});

test('a journey names each place once and tells how it ended', () => {
  const step = {
    time: 1_000,
    element: 'br0',
    what: 'drop',
    text: 'dropped',
    table: null,
    entry: null,
    command: null,
  };
  const text = renderJourney(
    {
      ...{ frame: 1, title: 'echo request', outcome: 'dropped', from: 'a', to: 'b', address: '10.0.0.2' },
      ...{ answered: false, rtt: null },
      steps: [
        { ...step, place: 'n1/x', table: 'routes', entry: 'default dev eth0', command: 'ip route' },
        { ...step, place: 'n1/x' },
        { ...step, place: '' },
      ],
      others: [{ frame: 2, title: 'ARP request', outcome: 'lost', steps: [] }],
    },
    false,
    PLAIN,
  );
  expect(text).toBe(
    [
      'echo request a > b (10.0.0.2): no answer: the frame was dropped',
      'n1/x',
      '  1. br0: dropped +0.001 ms',
      '     routes: default dev eth0',
      '     $ ip route',
      '  2. br0: dropped +0.001 ms',
      'underlay',
      '  3. br0: dropped +0.001 ms',
      '',
      '1 more frame went with it (1 ARP request); --all tells them\n',
    ].join('\n'),
  );
});
