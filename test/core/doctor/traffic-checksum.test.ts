// Wrong checksums told apart: damage, the capturing machine's offload, and too little to tell.

import { expect, test } from 'vitest';
import { L } from '../../../src/core/dissect/layer.ts';
import { ChecksumRule } from '../../../src/core/doctor/traffic/checksum.ts';
import type { Piece } from './traffic-run.ts';
import { changed, fileOf, findIn, findInCapture, lines, piecesOf } from './traffic-run.ts';

const rule = (): ChecksumRule => new ChecksumRule();
const judge = (pieces: readonly Piece[]): string[] => lines(findIn(fileOf(pieces), [rule]));

/** Damages a byte of a packet, so many bytes behind the start of one of its rows. */
function damaged(piece: Piece, row: 'ip' | 'udp' | 'network' | 'transport', offset: number): Piece {
  return changed(piece, (view, d, crossing) => {
    const at = d.start(crossing[row]) + offset;
    view.setUint8(at, view.getUint8(at) ^ 0x40);
    // An outer checksum over the damage would be wrong as well; without one the inner is judged alone.
    if (row !== 'ip' && row !== 'udp') view.setUint16(d.start(crossing.udp) + 6, 0);
  });
}

const isTcp = (piece: Piece): boolean => {
  let is = false;
  changed(piece, (_view, d, crossing) => {
    is = crossing.transport >= 0 && d.kind(crossing.transport) === L.tcp;
  });
  return is;
};

test('ndpi/vxlan: all 73 frames of one VTEP are wrong and the other one is right, so it is offload', () => {
  const found = findInCapture('public/ndpi/vxlan.pcap', rule);
  expect(lines(found)).toEqual([
    'note CHECKSUM-OFFLOAD VTEP 192.168.22.5: 73 of 73 outer UDP checksums left to the network card',
  ]);
  expect(found[0]?.count).toBe(73);
  expect(found[0]?.packets.slice(0, 3)).toEqual([3, 4, 6]);
});

test('one packet alone with a wrong checksum cannot be told', () => {
  const found = findInCapture('public/zeek/tunnels/vxlan-inner-tcp-bad-checksum.pcap', rule);
  expect(lines(found)).toEqual([
    'warning CHECKSUM-UNCLEAR VTEP 192.168.1.1: 1 of 1 inner TCP checksum wrong',
  ]);
});

test('a field with the pseudo header in it is offload, even where everything has one', () => {
  const said = lines(findInCapture('kernel/http-offload.pcap', rule));
  expect(said).toHaveLength(4);
  for (const line of said) expect(line).toMatch(/^note CHECKSUM-OFFLOAD .* left to the network card$/);
});

test.each([
  ['ip', 8, 'outer IPv4 header'],
  ['udp', 2, 'outer UDP'],
  ['network', 8, 'inner IPv4 header'],
  ['transport', 14, 'inner TCP'],
] as const)('one damaged packet among good ones of its sender is an error: %s', (row, offset, name) => {
  const pieces = piecesOf('kernel/http-noffload.pcap');
  // Behind the UDP header stands VXLAN: the reserved byte changes nothing but the sum.
  const at = row === 'udp' ? 11 : offset;
  const found = findIn(fileOf(pieces.map((piece, i) => (i === 20 ? damaged(piece, row, at) : piece))), [
    rule,
  ]);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ code: 'CHECKSUM-WRONG', severity: 'error', packets: [21] });
  expect(found[0]?.title).toMatch(new RegExp(`^VTEP 198.51.100.[12]: 1 of \\d+ ${name} checksums wrong$`));
});

test.each([
  ['ICMP', 'kernel/unicast4.pcap', L.icmp],
  ['UDP', 'kernel/unicast4.pcap', L.udp],
] as const)('a damaged inner %s packet is found', (name, capture, kind) => {
  const pieces = piecesOf(capture);
  let hit = -1;
  const changedOnes = pieces.map((piece, i) => {
    let is = false;
    const other = changed(piece, (view, d, crossing) => {
      is = hit < 0 && crossing.transport >= 0 && d.kind(crossing.transport) === kind;
      if (!is) return;
      const at = d.end(crossing.transport) - 1;
      view.setUint8(at, view.getUint8(at) ^ 1);
      view.setUint16(d.start(crossing.udp) + 6, 0);
    });
    if (is) hit = i;
    return other;
  });
  const found = findIn(fileOf(changedOnes), [rule]);
  expect(found.map((one) => [one.severity, one.packets])).toEqual([['error', [hit + 1]]]);
  expect(found[0]?.title).toContain(`inner ${name} checksum`);
});

test('all packets that the file says were sent here may be wrong: that is offload', () => {
  const pieces = piecesOf('kernel/http-noffload.pcap').slice(0, 12);
  const bad = pieces.map((piece, i) =>
    i % 2 === 0 && isTcp(piece) ? damaged(piece, 'transport', 14) : piece,
  );
  const marked = bad.map((piece, i) => ({ ...piece, direction: i % 2 === 0 && isTcp(piece) ? 2 : 1 }));
  const said = judge(marked);
  expect(said.length).toBeGreaterThan(0);
  for (const line of said) expect(line).toMatch(/^note CHECKSUM-OFFLOAD/);
  // The same file without directions shows one sender's packets right and wrong in turn.
  expect(judge(bad).some((line) => line.startsWith('error CHECKSUM-WRONG'))).toBe(true);
});

test('right checksums, checksums that are not there, and remote checksum offload raise nothing', () => {
  for (const name of [
    'kernel/http-noffload.pcap',
    'kernel/csum-default.pcap',
    'kernel/csum-noudpcsum.pcap',
    'kernel/csum-remcsum.pcap',
    'kernel/outer-frag.pcap',
    'kernel/perf-snap110.pcap',
    'docker-swarm/traffic-worker1-eth0.pcap',
    'public/zeek/tunnels/vxlan.pcap',
  ]) {
    expect([name, lines(findInCapture(name, rule))]).toEqual([name, []]);
  }
});
