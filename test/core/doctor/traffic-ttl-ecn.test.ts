// TTLs that ran out and congestion marks that a tunnel mangled.

import { describe, expect, test } from 'vitest';
import { L } from '../../../src/core/dissect/layer.ts';
import { EcnRule } from '../../../src/core/doctor/traffic/ecn.ts';
import { TtlRule } from '../../../src/core/doctor/traffic/ttl.ts';
import * as icmp from '../../../src/core/wire/icmp.ts';
import { PROTO } from '../../../src/core/wire/numbers.ts';
import { innerEcn, setEcn, tosAt } from '../../../src/engine/fabric/ecn.ts';
import type { Piece } from './traffic-run.ts';
import {
  asError,
  changed,
  fileOf,
  findIn,
  findInCapture,
  indexOf,
  lines,
  piecesOf,
  setInner16,
} from './traffic-run.ts';

const ttl = (): TtlRule => new TtlRule();
const ecn = (): EcnRule => new EcnRule();

/** A router's time exceeded about a traceroute's datagram, in VNI 1. */
const FLANNEL = piecesOf('kernel/flannel.pcap');
const EXCEEDED = FLANNEL[
  indexOf(
    FLANNEL,
    (view, d, { transport }) =>
      transport >= 0 && d.kind(transport) === L.icmp && icmp.type(view, d.start(transport)) === 11,
  )
] as Piece;

describe('TTL', () => {
  test('a real traceroute is a note that names the router', () => {
    expect(lines(findInCapture('kernel/flannel.pcap', ttl))).toEqual([
      'note TTL-TRACEROUTE VNI 1 10.244.1.2 > 10.244.2.2: traceroute, reported by 10.244.2.0',
      'note INNER-TTL-ONE VNI 1 10.244.1.2 > 10.244.2.2: 1 packet with TTL 1',
    ]);
  });

  test('a router that gives up TCP is a warning', () => {
    const tcp = changed(EXCEEDED, (view, d) => {
      view.setUint8(d.start(d.transport) + icmp.HEADER_LEN + 9, PROTO.tcp);
    });
    expect(lines(findIn(fileOf([tcp, { ...tcp, at: tcp.at + 1e6 }]), [ttl]))).toEqual([
      'warning TTL-EXPIRED VNI 1 10.244.1.2 > 10.244.2.2: TTL of 2 packets ran out, reported by 10.244.2.0',
    ]);
  });

  test('pings that one router gives up again and again go in a circle; three are a traceroute', () => {
    const ping = changed(EXCEEDED, (view, d) => {
      const at = d.start(d.transport) + icmp.HEADER_LEN;
      view.setUint8(at + 9, PROTO.icmp);
      icmp.setType(view, at + 20, icmp.TYPE.echo);
    });
    const times = (n: number): Piece[] => Array.from({ length: n }, (_, i) => ({ ...ping, at: i * 1e6 }));
    expect(lines(findIn(fileOf(times(3)), [ttl]))[0]).toMatch(/^note TTL-TRACEROUTE/);
    expect(lines(findIn(fileOf(times(8)), [ttl]))[0]).toMatch(/^warning TTL-EXPIRED .* TTL of 8 packets/);
  });

  test('fragments that were waited for in vain', () => {
    const late = asError(EXCEEDED, icmp.TYPE.timeExceeded, icmp.TIME_CODE.reassembly, 0);
    expect(lines(findIn(fileOf([late]), [ttl]))).toEqual([
      'warning REASSEMBLY-EXPIRED VNI 1 10.244.1.2 > 10.244.2.2: fragments of 1 packet did not arrive',
    ]);
  });

  test('an underlay router that gives up the tunnel itself is an error; its other errors are not ours', () => {
    const pieces = piecesOf('kernel/misc-no-vtep.pcap');
    const dead = pieces.map((piece) => {
      const view = new DataView(piece.bytes.buffer);
      const isIcmp = view.getUint16(12) === 0x800 && view.getUint8(23) === PROTO.icmp;
      return isIcmp ? asError(piece, icmp.TYPE.timeExceeded, 0, 0) : piece;
    });
    const said = lines(findIn(fileOf(dead), [ttl]));
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(
      /^error UNDERLAY-TTL-EXPIRED 198.51.100.1 > 198.51.100.2: \d packets? of the tunnel ran out of TTL/,
    );
    expect(lines(findInCapture('kernel/misc-no-vtep.pcap', ttl))).toEqual([]);
  });

  test('TTL 0 is a fault, TTL 1 is worth a word, and to a group it is meant', () => {
    const pieces = piecesOf('kernel/unicast4.pcap');
    const ping = pieces[
      indexOf(pieces, (_view, d, { transport }) => transport >= 0 && d.kind(transport) === L.icmp)
    ] as Piece;
    const with_ = (value: number, group = false): Piece =>
      changed(ping, (view, d, crossing) => {
        const at = d.start(crossing.network);
        setInner16(view, d, crossing, 8, (value << 8) | view.getUint8(at + 9));
        if (group) setInner16(view, d, crossing, 16, 0xe000);
      });
    const judge = (piece: Piece): string[] => lines(findIn(fileOf([piece]), [ttl]));
    expect(judge(with_(0))).toEqual([
      'warning INNER-TTL-ZERO VNI 42 10.1.1.1 > 10.1.1.2: 1 packet with TTL 0',
    ]);
    expect(judge(with_(1))).toEqual(['note INNER-TTL-ONE VNI 42 10.1.1.1 > 10.1.1.2: 1 packet with TTL 1']);
    expect(judge(with_(1, true))).toEqual([]);
    expect(judge(with_(64))).toEqual([]);
    expect(lines(findInCapture('kernel/mcast3-vtep1.pcap', ttl))).toEqual([]);
  });
});

describe('ECN', () => {
  const PIECES = piecesOf('kernel/unicast4.pcap');
  const PING = PIECES[
    indexOf(PIECES, (_view, d, { transport }) => transport >= 0 && d.kind(transport) === L.icmp)
  ] as Piece;
  const marked = (outer: number, inner: number): Piece =>
    changed(PING, (view, d, crossing) => {
      setEcn(view, d.start(crossing.ip), outer);
      setEcn(view, d.start(crossing.network), inner);
    });
  const NAMES = ['Not-ECT', 'ECT(1)', 'ECT(0)', 'CE'];

  // RFC 6040 figure 4 and s.4.1, outer in rows.
  const WANTED = [
    ['', 'ECN-NOT-COPIED', 'ECN-NOT-COPIED', 'ECN-NOT-COPIED'],
    ['ECN-ECT-ON-NOT-ECT', '', '', 'ECN-UNUSED-COMBINATION'],
    ['ECN-ECT-ON-NOT-ECT', '', '', ''],
    ['ECN-CE-ON-NOT-ECT', '', '', ''],
  ];
  const CASES = WANTED.flatMap((row, outer) =>
    row.map((code, inner) => ({ outer, inner, code, name: `${NAMES[outer]} around ${NAMES[inner]}` })),
  );

  test.each(CASES)('$name: $code', ({ outer, inner, code }) => {
    const found = findIn(fileOf([marked(outer, inner), marked(outer, inner), marked(0, 0)]), [ecn]);
    expect(found.map((one) => one.code)).toEqual(code === '' ? [] : [code]);
    if (code === '') return;
    expect(found[0]).toMatchObject({ count: 2, packets: [1, 2] });
    expect(found[0]?.title).toContain('198.51.100.1 > 198.51.100.2: 2 packets');
    // What a decapsulator must drop is an error, and nothing else is.
    expect(found[0]?.severity === 'error').toBe(innerEcn(inner, outer) < 0);
  });

  test('IPv6 keeps the bits elsewhere', () => {
    const pieces = piecesOf('kernel/ipv6-underlay.pcap');
    const six = pieces[
      indexOf(
        pieces,
        (_view, d, { ip, network }) => d.kind(ip) === L.ipv6 && network >= 0 && d.kind(network) === L.ipv6,
      )
    ] as Piece;
    const bad = changed(six, (view, d, crossing) => {
      setEcn(view, d.start(crossing.ip), 3);
      expect(tosAt(view, d.start(crossing.ip)) & 3).toBe(3);
    });
    expect(lines(findIn(fileOf([six, bad]), [ecn]))).toEqual([
      expect.stringMatching(/^error ECN-CE-ON-NOT-ECT 2001:db8:.* > .*: 1 packet with congestion/),
    ]);
  });

  test('real tunnels copy their marks', () => {
    for (const name of [
      'kernel/unicast4.pcap',
      'docker-swarm/traffic-worker1-eth0.pcap',
      'ovs/kernel.pcap',
    ]) {
      expect([name, lines(findInCapture(name, ecn))]).toEqual([name, []]);
    }
  });
});
