import { describe, expect, test } from 'vitest';
import { EXTRA_FIELDS } from '../../../src/core/filter/extra.ts';
import { compileFilter } from '../../../src/core/filter/index.ts';
import { FIELDS } from '../../../src/core/inspect/registry.ts';
import type { PacketMeta } from '../../../src/core/pcap/index.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { ask, META, ranges } from './ask.ts';

const WORKER = 'docker-swarm/traffic-worker1-eth0.pcap';

function found(filter: string, capture = WORKER): string {
  return ranges(ask(capture, [filter])[0] ?? []);
}

describe('what Wireshark 4.0 has no words for means what is written in other words', () => {
  test.each([
    ['8080 == tcp.port', 'tcp.port == 8080'],
    ['1024 < tcp.port', 'tcp.port > 1024'],
    ['8080 != tcp.port', 'tcp.port != 8080'],
    ['"GET" == http.request.method', 'http.request.method == "GET"'],
    ['1024 < tcp.port < 9000', 'tcp.port > 1024 && tcp.port < 9000'],
    ['tcp.port in {80 8080}', 'tcp.port in {80, 8080}'],
    ['tcp.port in {40 + 40}', 'tcp.port == 80'],
    ['len(tcp.payload) in {10..100}', 'len(tcp.payload) >= 10 && len(tcp.payload) <= 100'],
    ['tcp.dstport >= 4 * (tcp.srcport + 3)', 'tcp.dstport >= 4 * {tcp.srcport + 3}'],
    ['tcp ^^ vxlan.vni == 4098', '(tcp && !(vxlan.vni == 4098)) || (!tcp && vxlan.vni == 4098)'],
    ['tcp xor tcp xor icmp', 'icmp'],
    ['tcp.flags.syn == true', 'tcp.flags.syn == 1'],
    ['ip.src#-1 == 10.0.1.2', 'ip.src#2 == 10.0.1.2'],
    ['len(eth.src[1,2,3]) == 3', 'eth'],
    ['eth.src[0:2] in {02:42}', 'eth.src[0:2] == 02:42'],
    ['eth.src[2:4] == ip.src#2', 'vxlan && eth.src[2:4] == ip.src'],
    ['vxlan.flags & 0x0800', 'vxlan.flag_i == 1'],
  ])('%s', (ours, plain) => {
    expect(found(ours)).toBe(found(plain));
    expect(found(ours)).not.toBe('-');
  });
});

describe('a packet that lacks the field', () => {
  test.each([
    'tcp.port != 1',
    'all tcp.port != 1',
    'tcp.port !== 1',
    'all tcp.port in {0..65535}',
    'tcp.port + 1 > 0',
    'tcp.port > 0 or tcp.port <= 0',
    'len(tcp) > 0',
    'count(tcp) > 0',
    'max(tcp.port) >= 0',
    'http.host matches ""',
    'tcp contains ""',
    'tcp.port == udp.port or tcp.port != udp.port',
    'tcp.payload[0:1] >= 00',
  ])('passes no test about it: %s', (filter) => {
    const tcp = new Set(ask(WORKER, ['tcp'])[0]);
    expect(ask(WORKER, [filter])[0]?.filter((number) => !tcp.has(number))).toEqual([]);
  });

  test('passes the opposite of each', () => {
    expect(found('!(tcp.port == 80)')).toBe('1-20,33-62,121-134');
    expect(found('tcp.port not in {0..65535}')).toBe(found('not tcp'));
  });
});

describe('values', () => {
  test('sums give no value where there is none, and keep their sign', () => {
    expect(found('frame.len / 0 == 0 or frame.len % 0 == 0')).toBe('-');
    expect(found('-frame.len < 0')).toBe('1-134');
    expect(found('{0 - frame.len} / 2 >= -36 && frame.len / 2 == 36')).toBe(found('frame.len in {72,73}'));
    expect(found('tcp[12:2] & ff')).toBe('-');
  });

  test('a slice that reaches past the end has no value', () => {
    expect(found('eth.src[4:3] or eth.src[6] or eth.src[-7]')).toBe('-');
    expect(found('eth.src[0,9] or eth.src[3-6]')).toBe('-');
  });

  test('text has slices of its bytes, and functions', () => {
    expect(found('http.request.method[0:2] == "GE"')).toBe('24,66');
    expect(found('http.request.method[0] == 47')).toBe('24,66');
    expect(found('lower(http.request.method) contains "os"')).toBe('36');
    expect(found('len(http.request.method) == 4')).toBe('36');
  });

  test('prefix lengths count on both sides, 0 and all bits included', () => {
    expect(found('ip.src == 1.2.3.4/0')).toBe('1-134');
    expect(found('ip.src#2 == 10.0.1.2/32')).toBe(found('ip.src#2 == 10.0.1.2'));
    expect(found('ip.src < 10.0.1.0/24')).toBe('-');
    expect(found('ip.src != 10.0.0.0/8')).toBe('-');
    expect(found('ip.src in {192.0.3.0/23}')).toBe('1-134');
    const six = 'kernel/ipv6-underlay.pcap';
    expect(found('ipv6.src == ::/0', six)).toBe(found('ipv6', six));
    expect(found('ipv6.src == fe80::/64', six)).toBe(found('ipv6.src[0:8] == fe:80:00:00:00:00:00:00', six));
    expect(found('ipv6.src & ffff:: == fe80::', six)).toBe(found('ipv6.src == fe80::/16', six));
    expect(found('ipv6.src in {fe80:: .. fe80::ffff:ffff:ffff:ffff}', six)).toBe(
      found('ipv6.src == fe80::/64', six),
    );
    expect(found('ipv6.src & ::', six)).toBe('-');
  });

  test('a MAC address is six bytes', () => {
    expect(found('frame[0:6] == eth.dst && eth.src contains 42:0a:00:01')).toBe(
      found('eth.src[1:4] == 42:0a:00:01'),
    );
    expect(found('eth.dst & 02:00:00:00:00:00 == 02:00:00:00:00:00')).toBe(found('eth.lg == 1'));
  });

  test('one field contains another', () => {
    expect(found('udp.payload contains tcp.payload')).toBe(found('tcp.payload'));
    expect(found('frame contains eth.src')).toBe('1-134');
  });

  test('a flag of several bits is set when one of them is', () => {
    const bytes = packetsOf(captureBytes(WORKER))[20]?.bytes.slice() as Uint8Array;
    const inner = 50 + 14 + 20;
    bytes[inner + 12] = (bytes[inner + 12] as number) | 0x0c;
    const passes = (text: string): boolean => {
      const sight = new Sight();
      sight.read(viewOf(bytes), 0, bytes.length, META);
      return compileFilter(text).matches(sight, META);
    };
    expect(passes('tcp.flags.res == 1')).toBe(true);
    expect(passes('tcp.flags.res == True')).toBe(true);
    expect(passes('tcp.flags.res == 0')).toBe(false);
  });
});

describe('time', () => {
  const passes = (text: string, metas: readonly Partial<PacketMeta>[]): boolean[] => {
    const filter = compileFilter(text);
    const sight = new Sight();
    return metas.map((meta) => {
      const whole = { ...META, ...meta };
      sight.read(new DataView(new ArrayBuffer(60)), 0, 60, whole);
      return filter.matches(sight, whole);
    });
  };

  test('is told from the packets before, to the nanosecond, and begins anew with another file', () => {
    const three = [
      { number: 1, nanos: 999_999_999 },
      { number: 2, seconds: 1_700_000_001, nanos: 0 },
      { number: 3, seconds: 1_700_000_001, nanos: 1 },
      { number: 1, seconds: 5 },
      { number: 2, seconds: 6 },
    ];
    expect(passes('frame.time_delta == 0.000000001', three)).toEqual([false, true, true, false, false]);
    expect(passes('frame.time_relative == 0.000000002', three)).toEqual([false, false, true, false, false]);
    expect(passes('frame.time_relative == 0', three)).toEqual([true, false, false, true, false]);
    expect(passes('frame.time_epoch == 1700000001.000000001', three)).toEqual([
      ...[false, false, true, false, false],
    ]);
    expect(passes('frame.time == "2023-11-14T22:13:21"', three)).toEqual([false, true, false, false, false]);
    expect(passes('frame.time - 1 < "2023-11-14 22:13:20"', three)).toEqual([true, false, false, true, true]);
    expect(passes('frame.time - frame.time == 0', three)).toEqual([true, true, true, true, true]);
    expect(passes('abs(frame.time_delta - 1) == 0', three)).toEqual([false, false, false, false, true]);
  });

  test('is not there for a packet without a time stamp', () => {
    expect(passes('frame.time_epoch >= 0 or frame.time', [{ timed: false }])).toEqual([false]);
  });
});

describe('fields', () => {
  test('those of filters alone are not in the registry, but for those that are read in another way', () => {
    const both = [...EXTRA_FIELDS.keys()].filter((name) => FIELDS.has(name));
    expect(both.sort()).toEqual(['dns.flags.rcode', 'eth.type', 'tcp.len']);
  });

  test('what people ask for most is there', () => {
    const names =
      'tcp.flags.syn tcp.len tcp.payload udp.payload data.data data.len ip.dsfield.ecn vxlan.flags vxlan.gbp ' +
      'http.request.method http.host dns.qry.name eth.addr ip.addr ipv6.addr tcp.port udp.port ip.host vlan.id';
    expect(names.split(' ').filter((name) => !FIELDS.has(name) && !EXTRA_FIELDS.has(name))).toEqual([]);
  });

  test('every field can be asked for, compared and counted without a throw, on every kind of capture', () => {
    const names = [...FIELDS.keys(), ...EXTRA_FIELDS.keys()];
    const filters = names.flatMap((name) => [
      name,
      `${name} == ${name}`,
      `count(${name}) >= 1`,
      `inner.${name}`,
    ]);
    const seen = new Set<string>();
    for (const capture of [
      WORKER,
      'kernel/ipv6-underlay.pcap',
      'kernel/unicast4.pcap',
      'kernel/inner-vlan.pcap',
    ]) {
      const numbers = ask(capture, filters).map(ranges);
      for (let i = 0; i < filters.length; i += 4) {
        expect(numbers[i + 1], filters[i + 1]).toBe(numbers[i]);
        expect(numbers[i + 2], filters[i + 2]).toBe(numbers[i]);
        if (numbers[i] !== '-') seen.add(filters[i] as string);
      }
    }
    expect(seen.size).toBeGreaterThan(140);
  });
});
