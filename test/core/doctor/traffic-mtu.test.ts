// Packets too big for the path: told by ICMP, told in vain, and not told at all.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { L } from '../../../src/core/dissect/layer.ts';
import { MtuRule } from '../../../src/core/doctor/traffic/mtu.ts';
import { TcpRule } from '../../../src/core/doctor/traffic/tcp.ts';
import type { Packet } from '../../../src/core/pcap/index.ts';
import * as icmp from '../../../src/core/wire/icmp.ts';
import { PROTO } from '../../../src/core/wire/numbers.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import { packetsOf } from '../../support/columns.ts';
import { Recorded, scratch } from '../../support/judges.ts';
import { manifest } from '../../support/manifests.ts';
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
  sentAgain,
} from './traffic-run.ts';

const rule = (): MtuRule => new MtuRule();
const tcpRule = (): TcpRule => new TcpRule();
const STACK = manifest('lecture-dnsrr.yml');

/** The bytes of a run's capture. */
function saved(run: Recorded): Uint8Array {
  const files = scratch('traffic-mtu');
  run.save(files.path('run.pcapng'));
  const bytes = new Uint8Array(readFileSync(files.path('run.pcapng')));
  files.done();
  return bytes;
}

describe('pings', () => {
  const run = new Recorded(STACK, 'docker', {});
  for (const size of [56, 1422, 1000]) {
    expect(run.ping('webserver.1', 'appserver.1', { size })).toEqual({ replies: 2, errors: [] });
    run.pass(2);
  }
  run.simulation.close();
  const healthy = saved(run);

  test('large ones that vanish where small ones are answered', () => {
    // What a path that takes 1400 bytes would have left of the run: the large requests as the sender's tap saw them.
    const left = packetsOf(healthy).filter((packet) => packet.bytes.length < 1400 || isRequestAtHome(packet));
    const pieces = left.map((packet) => ({
      bytes: packet.bytes,
      at: Number(packet.time) / 1e3 - 1.7e15,
      tap: packet.interfaceId,
    }));
    expect(lines(findIn(fileOf(pieces), [rule]))).toEqual([
      expect.stringMatching(
        /^error MTU-BLACK-HOLE VNI \d+ 10\.\S+ > 10\.\S+: pings of 1450 bytes are not answered, of 1028 bytes they are \(DF set, no ICMP too-big seen\)$/,
      ),
    ]);
  });

  test('sizes that all fit, and a host that never answers, raise nothing', () => {
    expect(lines(findIn(healthy, [rule]))).toEqual([]);
    for (const name of [
      'kernel/flannel.pcap',
      'kernel/outer-frag.pcap',
      'docker-swarm/failure-underlay.pcap',
    ]) {
      expect([name, lines(findInCapture(name, rule))]).toEqual([name, []]);
    }
  });
});

/** webserver.1 stands on manager1, whose tap is the first. */
function isRequestAtHome(packet: Packet): boolean {
  return packet.interfaceId === 0 && packet.bytes[50 + 14 + 20] === icmp.TYPE.echo;
}

/** A router's error in VNI 1 about 10.244.1.2 > 10.244.2.2, and a packet of that flow. */
const FLANNEL = piecesOf('kernel/flannel.pcap');
const EXCEEDED = FLANNEL[
  indexOf(
    FLANNEL,
    (view, d, { transport }) =>
      transport >= 0 && d.kind(transport) === L.icmp && icmp.type(view, d.start(transport)) === 11,
  )
] as Piece;

describe('what ICMP tells', () => {
  const told = asError(EXCEEDED, icmp.TYPE.unreachable, icmp.CODE.fragNeeded, 1400);

  test('a sender that is told once is a note with the MTU', () => {
    expect(lines(findIn(fileOf([told]), [rule]))).toEqual([
      'note PATH-MTU VNI 1 10.244.1.2 > 10.244.2.2: 1 packet too big, 10.244.2.0 tells MTU 1400',
    ]);
  });

  test('a sender that goes on as before does not hear', () => {
    const small = asError(EXCEEDED, icmp.TYPE.unreachable, icmp.CODE.fragNeeded, 50);
    const ask = FLANNEL[
      indexOf(FLANNEL, (view, d, { network, transport }) => {
        if (transport < 0 || d.kind(transport) !== L.icmp) return false;
        return (
          icmp.type(view, d.start(transport)) === 8 && view.getUint32(d.start(network) + 16) === 0x0af40202
        );
      })
    ] as Piece;
    const later = [0, 1, 2, 3].map((i) => ({ ...ask, at: small.at + (2 + i) * 1e6 }));
    expect(lines(findIn(fileOf([small, ...later]), [rule]))).toEqual([
      'error PATH-MTU-IGNORED VNI 1 10.244.1.2 > 10.244.2.2: 4 packets above MTU 50 after 10.244.2.0 told it',
    ]);
    // In flight when the error came.
    const soon = [0, 1, 2, 3].map((i) => ({ ...ask, at: small.at + i * 1000 }));
    expect(lines(findIn(fileOf([small, ...soon]), [rule]))[0]).toMatch(/^note PATH-MTU /);
  });

  test('an underlay router that refuses the tunnel', () => {
    const pieces = piecesOf('kernel/misc-no-vtep.pcap').map((piece) => {
      const view = new DataView(piece.bytes.buffer);
      const isIcmp = view.getUint16(12) === 0x800 && view.getUint8(23) === PROTO.icmp;
      return isIcmp ? asError(piece, icmp.TYPE.unreachable, icmp.CODE.fragNeeded, 1500) : piece;
    });
    expect(lines(findIn(fileOf(pieces), [rule]))).toEqual([
      expect.stringMatching(
        /^warning UNDERLAY-TOO-BIG 198.51.100.1 > 198.51.100.2: \d packets? of the tunnel too big, 198.51.100.2 tells MTU 1500$/,
      ),
    ]);
  });
});

describe('TCP', () => {
  const PIECES = piecesOf('kernel/http-noffload.pcap');
  const first = indexOf(PIECES, (_view, d, { network, transport }) => {
    return transport >= 0 && d.kind(transport) === L.tcp && d.limit(network) - d.start(network) > 1400;
  });
  const large = PIECES[first] as Piece;
  /** The connection's packets before its first large one; then that one again and again. */
  const before = PIECES.slice(0, first);
  const again = (n: number): Piece[] =>
    Array.from({ length: n }, (_, i) => sentAgain(large, large.at + 200_000 * 2 ** i, 5000 + i));
  /** The other side says now and then that it is still where it was. */
  const alive = before.findLast((piece) => {
    let is = false;
    changed(piece, (view, d, { transport }) => {
      changed(large, (other, e, crossing) => {
        is =
          transport >= 0 &&
          d.kind(transport) === L.tcp &&
          tcp.srcPort(view, d.start(transport)) === tcp.dstPort(other, e.start(crossing.transport)) &&
          d.head(transport) === d.end(transport);
      });
    });
    return is;
  }) as Piece;

  test('a large segment that is sent again and again while its receiver lives', () => {
    const pieces = [...before, large, ...again(4), sentAgain(alive, large.at + 2e6, 6000)];
    const found = findIn(fileOf(pieces), [tcpRule]).filter((one) => one.code === 'MTU-BLACK-HOLE');
    expect(lines(found)).toEqual([
      expect.stringMatching(
        /^error MTU-BLACK-HOLE VNI 80 10.80.0.2:80 > 10.80.0.1:\d+: packets of 1\d{3} bytes do not arrive, of \d+ bytes they do \(DF set, no ICMP too-big seen\)$/,
      ),
    ]);
    expect(found[0]?.count).toBe(4);
  });

  test('with a silent receiver it is a warning, and once acknowledged it was only loss', () => {
    const holes = (pieces: readonly Piece[]): string[] =>
      lines(findIn(fileOf(pieces), [tcpRule]).filter((one) => one.code === 'MTU-BLACK-HOLE'));
    expect(holes([...before, large, ...again(4)])).toEqual([expect.stringMatching(/^warning/)]);
    const shift = 10e6;
    const rest = PIECES.slice(first + 1).map((piece) => ({ ...piece, at: piece.at + shift }));
    expect(holes([...before, large, ...again(4), ...rest])).toEqual([]);
    expect(holes([...before, large, ...again(1)])).toEqual([]);
    expect(holes(PIECES)).toEqual([]);
  });
});
