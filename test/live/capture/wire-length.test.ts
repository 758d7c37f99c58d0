import { expect, test } from 'vitest';
import { LINKTYPE } from '../../../src/core/pcap/linktype.ts';
import { wireLength } from '../../../src/live/capture/wire-length.ts';

const MACS = '020000000001020000000002';
const IPV4 = '0800 4500 ffff';
const IPV6 = '86dd 60000000 ff00';
const CUT = 80;

/** A packet that begins with these bytes and was cut to 80. */
function cut(start: string): DataView {
  const bytes = new Uint8Array(CUT);
  bytes.set(Buffer.from(start.replaceAll(' ', ''), 'hex'));
  return new DataView(bytes.buffer);
}

test.each([
  ['IPv4', LINKTYPE.ethernet, MACS + IPV4, 14 + 0xffff],
  ['IPv6, whose length does not count its header', LINKTYPE.ethernet, MACS + IPV6, 14 + 40 + 0xff00],
  ['IPv4 in a VLAN', LINKTYPE.ethernet, `${MACS}81000005${IPV4}`, 18 + 0xffff],
  ['IPv6 in two VLANs', LINKTYPE.ethernet, `${MACS}88a8000681000005${IPV6}`, 22 + 40 + 0xff00],
  ['IPv4 behind a cooked header', LINKTYPE.linuxSll, `0000000100060200000000010000${IPV4}`, 16 + 0xffff],
])('the IP header tells how long a cut packet was: %s', (_, linkType, start, length) => {
  expect(wireLength(cut(start), CUT, linkType)).toBe(length);
});

test.each([
  ['no IP', LINKTYPE.ethernet, `${MACS}0806`],
  ['an IP header that tells of less', LINKTYPE.ethernet, `${MACS}080045000014`],
  ['a length of 0, as of a BIG TCP packet', LINKTYPE.ethernet, `${MACS}080045000000`],
  ['tags to the end', LINKTYPE.ethernet, MACS + '81000005'.repeat(17)],
  ['a link type without EtherTypes', LINKTYPE.raw, '4500ffff'],
])('where nothing tells of more, the captured length stands: %s', (_, linkType, start) => {
  expect(wireLength(cut(start), CUT, linkType)).toBe(CUT);
});
