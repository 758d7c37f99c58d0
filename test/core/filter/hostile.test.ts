import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileFilter } from '../../../src/core/filter/index.ts';
import { everyName } from '../../../src/core/filter/names.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { META } from './ask.ts';

const NAMES = [...new Set(everyName())];
/** Every name asked for and counted, in filters that no packet can pass. */
const FILTERS = [
  ...NAMES.map((name) => `${name} && !(${name})`),
  ...NAMES.map((name) => `count(${name}) < 0`),
  'len(frame) != frame.cap_len',
  'frame contains tcp.payload && !tcp.payload',
  'ip[12:4] == ip.src && !ip',
  'data[0:2,-2:] == 00 or http.host[40:] == 00',
  'ip.src#-1 == ip.dst#1 && !ip',
].map(compileFilter);

const CAPTURES = [
  'docker-swarm/traffic-worker1-eth0.pcap',
  'kernel/outer-frag.pcap',
  'kernel/ipv6-underlay.pcap',
  'kernel/unicast4.pcap',
  'kernel/inner-vlan.pcap',
  'kernel/misc-no-vtep.pcap',
  'kernel/gpe.pcap',
  'public/tcpdump/icmpv6.pcap',
  'public/libpcap/ipv6_ext_headers.pcap',
  'public/arkime/dns-udp.pcap',
];

describe('damaged packets', () => {
  test('no field of any of them leads to a throw, a read out of bounds or a contradiction', () => {
    const packets = CAPTURES.flatMap((capture) => packetsOf(captureBytes(capture)).slice(0, 30));
    const sight = new Sight();
    fc.assert(
      fc.property(
        fc.nat(packets.length - 1),
        fc.array(fc.tuple(fc.nat(160), fc.nat(255)), { maxLength: 6 }),
        fc.nat(400),
        (index, edits, cut) => {
          const packet = packets[index] as (typeof packets)[number];
          const bytes = packet.bytes.slice(0, 600);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          const end = cut < 200 ? Math.min(cut, bytes.length) : bytes.length;
          const meta = { ...META, linkType: packet.linkType, originalLength: packet.originalLength };
          sight.read(viewOf(bytes), 0, end, meta);
          const passed = FILTERS.filter((filter) => filter.matches(sight, meta));
          expect(passed.map((filter) => filter.text)).toEqual([]);
        },
      ),
      { numRuns: 1500 },
    );
  });
});
