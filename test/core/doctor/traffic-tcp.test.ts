// TCP inside tunnels: each kind of trouble made from real packets, numbers as tshark has them, and healthy captures.

import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { L } from '../../../src/core/dissect/layer.ts';
import type { Side } from '../../../src/core/doctor/traffic/stream.ts';
import { TcpRule } from '../../../src/core/doctor/traffic/tcp.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import { captureBytes, captureNames, capturePath } from '../../support/captures.ts';
import { scratch } from '../../support/judges.ts';
import { hasTool, runTool } from '../../support/peers.ts';
import type { Piece } from './traffic-run.ts';
import {
  changed,
  fileOf,
  findIn,
  findInCapture,
  indexOf,
  lines,
  piecesOf,
  sentAgain,
  withPayload,
} from './traffic-run.ts';

const rule = (): TcpRule => new TcpRule();
const judge = (pieces: readonly Piece[]): string[] => lines(findIn(fileOf(pieces), [rule]));

/** A whole capture with HTTP in VNI 80, all offloads off. */
const HTTP = piecesOf('kernel/http-noffload.pcap');

/** Numbers (from 0) of packets with TCP that `pick` agrees to. */
function tcpWhere(pick: (view: DataView, at: number, length: number) => boolean): number[] {
  return HTTP.flatMap((piece, i) => {
    const one = indexOf([piece], (view, d, { transport }) => {
      if (transport < 0 || d.kind(transport) !== L.tcp) return false;
      return pick(view, d.start(transport), d.limit(transport) - d.head(transport));
    });
    return one < 0 ? [] : [i];
  });
}

const fromServer = (view: DataView, at: number): boolean => tcp.srcPort(view, at) === 80;
const full = tcpWhere((view, at, length) => fromServer(view, at) && length > 1000);
const acks = tcpWhere(
  (view, at, length) => !fromServer(view, at) && length === 0 && tcp.flags(view, at) === 0x10,
);
const syns = tcpWhere((view, at) => tcp.flags(view, at) === tcp.FLAG.SYN);

function edited(piece: Piece, edit: (view: DataView, at: number) => void): Piece {
  return changed(piece, (view, d, { transport }) => edit(view, d.start(transport)));
}

/** The capture with more packets in it, and some of its own changed or left out. */
function http(
  more: readonly Piece[],
  edits: ReadonlyMap<number, (piece: Piece) => Piece | null> = new Map(),
): Piece[] {
  const own = HTTP.flatMap((piece, i) => {
    const edit = edits.get(i);
    const after = edit === undefined ? piece : edit(piece);
    return after === null ? [] : [after];
  });
  return [...own, ...more];
}

/** Twelve data segments sent again behind everything else. */
const RESENT = http(
  full
    .slice(10, 22)
    .map((i, n) => sentAgain(HTTP[i] as Piece, (HTTP.at(-1) as Piece).at + 4000 * (n + 1), 9000 + n)),
);
/** Half of the client's windows closed. */
const SHUT = http(
  [],
  new Map(
    acks
      .slice(8, 12)
      .map((i) => [i, (piece: Piece) => edited(piece, (view, at) => view.setUint16(at + 14, 0))]),
  ),
);
/** Three data packets lost before the tap: the client repeats its ACK and nothing comes again. */
const stuckAck = HTTP[acks[10] as number] as Piece;
const REPEATED = http(
  [1, 2, 3, 4].map((n) => sentAgain(stuckAck, stuckAck.at + n, 8000 + n)),
  new Map(),
);
/** The server breaks off a transfer in the middle. */
const resetAt = full[20] as number;
const BROKEN = [
  ...HTTP.slice(0, resetAt),
  edited(HTTP[resetAt] as Piece, (view, at) =>
    view.setUint16(at + 12, (view.getUint16(at + 12) & 0xf000) | 0x14),
  ),
];
/** Four connections whose SYN is sent three times each and never answered. */
const SILENT = syns.slice(0, 1).flatMap((i) =>
  [0, 1, 2, 3].flatMap((port) =>
    [0, 1e6, 3e6].map((wait, n) =>
      edited(sentAgain(HTTP[i] as Piece, port * 1000 + wait, 7000 + 10 * port + n), (view, at) => {
        tcp.setSrcPort(view, at, 40_000 + port);
      }),
    ),
  ),
);

describe('each fault is named with its flow and numbers', () => {
  test('segments sent again', () => {
    const found = findIn(fileOf(RESENT), [rule]);
    expect(lines(found)).toEqual([
      expect.stringMatching(
        /^warning TCP-RETRANSMISSION VNI 80 10\.80\.0\.2:80 > 10\.80\.0\.1:\d+: 12 of \d+ segments sent again$/,
      ),
    ]);
    expect(found[0]?.packets).toEqual(Array.from({ length: 12 }, (_, n) => HTTP.length + 1 + n));
  });

  test('a few of many are a note', () => {
    const one = full[12] as number;
    const again = sentAgain(HTTP[one] as Piece, (HTTP.at(-1) as Piece).at + 5000, 9000);
    expect(judge(http([again]))).toEqual([
      expect.stringMatching(/^note TCP-RETRANSMISSION .*: 1 of \d+ segments/),
    ]);
  });

  test('closed windows', () => {
    expect(judge(SHUT)).toEqual([
      expect.stringMatching(
        /^note TCP-ZERO-WINDOW VNI 80 10\.80\.0\.1:\d+ > 10\.80\.0\.2:80: 4 packets with a closed window$/,
      ),
    ]);
    // The same with the opening ACK three seconds later.
    const slow = SHUT.map((piece, i) =>
      i > (acks[11] as number) ? { ...piece, at: piece.at + 3e6 } : piece,
    );
    expect(judge(slow)).toContainEqual(
      expect.stringMatching(/^warning TCP-ZERO-WINDOW .* closed window, 3 s in all$/),
    );
  });

  test('duplicate ACKs without a retransmission', () => {
    expect(judge(REPEATED)).toEqual([
      expect.stringMatching(
        /^note TCP-DUPLICATE-ACKS VNI 80 10\.80\.0\.1:\d+ > 10\.80\.0\.2:80: 4 duplicate ACKs$/,
      ),
    ]);
  });

  test('a connection broken off', () => {
    expect(judge(BROKEN)).toEqual([
      expect.stringMatching(
        /^note TCP-RESET VNI 80 10\.80\.0\.2:80: 1 of \d connections reset \(1 by the server, 0 by clients\)$/,
      ),
    ]);
  });

  test('connections refused', () => {
    expect(lines(findInCapture('kernel/unicast4.pcap', rule))).toEqual([
      'note TCP-REFUSED VNI 42 10.1.1.2:81: 1 of 1 connection refused',
    ]);
  });

  test('SYNs that nobody answers, once each connection', () => {
    const found = findIn(fileOf(SILENT), [rule]);
    expect(lines(found)).toEqual([
      'warning TCP-SYN-UNANSWERED VNI 80 10.80.0.2:80: 4 of 4 connections not answered',
    ]);
    expect(found[0]?.count).toBe(12);
    // One SYN at the end of a capture proves nothing.
    expect(judge(SILENT.slice(0, 1))).toEqual([]);
  });
});

describe('what is no fault', () => {
  test('equal addresses and ports in two networks are two flows', () => {
    expect(lines(findInCapture('kernel/overlap-two-vnis.pcap', rule))).toEqual([]);
    expect(lines(findInCapture('public/zeek/tunnels/vxlan-overlapping-http-get.pcap', rule))).toEqual([]);
  });

  test('a packet that several taps saw, or that one tap saw twice', () => {
    expect(lines(findInCapture('formats/any-sll2.pcap', rule))).toEqual([]);
    expect(judge(HTTP.flatMap((piece) => [piece, { ...piece, at: piece.at + 1, tap: 1 }]))).toEqual([]);
    expect(judge(HTTP.flatMap((piece) => [piece, { ...piece, at: piece.at + 0.4 }]))).toEqual([]);
  });

  test('a capture that begins in the middle, wherever that is', () => {
    for (let from = 1; from < HTTP.length; from += 7) expect(judge(HTTP.slice(from))).toEqual([]);
  });

  test('a byte that probes a closed window, and goes on from there when it opens', () => {
    // The client closes its window; the server tries one byte twice and then sends the segment that it belongs to.
    const shut = acks[10] as number;
    const next = full.find((i) => i > shut) as number;
    const probe = (n: number): Piece =>
      withPayload(sentAgain(HTTP[next] as Piece, (HTTP[shut] as Piece).at + n, 8000 + n), new Uint8Array(1));
    const closed = new Map([
      [shut, (piece: Piece) => edited(piece, (view, at) => view.setUint16(at + 14, 0))],
    ]);
    const said = judge(http([probe(1), probe(2)], closed));
    expect(said).toEqual([expect.stringMatching(/^note TCP-ZERO-WINDOW .*: 1 packet with/)]);
  });

  test('a capture that was cut at 110 bytes', () => {
    expect(lines(findInCapture('kernel/perf-snap110.pcap', rule))).toEqual([]);
  });

  test('ports that are used again for another connection', () => {
    const later = HTTP.map((piece) => {
      const on = { ...piece, at: piece.at + 60e6 };
      if (indexOf([piece], (_view, d, { transport }) => transport >= 0 && d.kind(transport) === L.tcp) < 0)
        return on;
      return edited(on, (view, at) => {
        view.setUint32(at + 4, (view.getUint32(at + 4) - 5_000_000) >>> 0);
        view.setUint32(at + 8, (view.getUint32(at + 8) - 5_000_000) >>> 0);
      });
    });
    expect(judge([...HTTP, ...later])).toEqual([]);
  });
});

test('flows beyond the bound are judged as they go', () => {
  const again = [...HTTP, ...RESENT.slice(HTTP.length)];
  const others = Array.from({ length: 40 }, (_, n) =>
    edited({ ...(HTTP[syns[0] as number] as Piece), at: 1e9 + n }, (view, at) =>
      tcp.setSrcPort(view, at, 2000 + n),
    ),
  );
  const found = findIn(fileOf([...again, ...others]), [() => new TcpRule(16)]);
  expect(lines(found)).toContainEqual(expect.stringMatching(/: 12 of \d+ segments sent again$/));
});

test('asking twice for the findings gives the same', () => {
  const asked = rule();
  const first = lines(findIn(fileOf(RESENT), [() => asked]));
  expect(lines(asked.findings())).toEqual(first);
});

describe.skipIf(!hasTool('tshark'))('the numbers are tshark’s', () => {
  const files = scratch('traffic-tcp');
  afterAll(() => files.done());

  interface Numbers {
    readonly again: number;
    readonly outOfOrder: number;
    readonly dupAcks: number;
    readonly zeroWindows: number;
    readonly resets: number;
  }

  function ours(file: Uint8Array): Numbers {
    const counted = rule();
    findIn(file, [() => counted]);
    const sides = counted.streams.flatMap((stream) => [stream.a, stream.b]);
    const sum = (of: (side: Side) => number): number => sides.reduce((all, side) => all + of(side), 0);
    return {
      again: sum((side) => side.dataAgain + side.synsAgain),
      outOfOrder: sum((side) => side.outOfOrder),
      dupAcks: sum((side) => side.dupAcks),
      zeroWindows: sum((side) => side.zeroWindows),
      resets: sum((side) => side.resets),
    };
  }

  function theirs(path: string): Numbers {
    const fields = ['retransmission', 'out_of_order', 'duplicate_ack', 'zero_window'].map(
      (f) => `tcp.analysis.${f}`,
    );
    const wanted = [...fields, 'tcp.flags.reset'].flatMap((field) => ['-e', field]);
    const rows = runTool('tshark', [
      ...['-n', '-r', path, '-d', 'udp.port==8472,vxlan', '-Y', 'vxlan && tcp', '-T', 'fields', ...wanted],
    ])
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t'));
    const count = (column: number): number => rows.filter((row) => (row[column] ?? '') !== '').length;
    const resets = rows.filter((row) => /^(1|True)/.test(row[4] ?? '')).length;
    return { again: count(0), outOfOrder: count(1), dupAcks: count(2), zeroWindows: count(3), resets };
  }

  /** Where we count otherwise, and why. */
  const OTHERWISE: Readonly<Record<string, string>> = {
    'formats/any-sll2.pcap': 'tshark counts the views of several interfaces as packets sent again',
    'formats/concatenated-2sections.pcapng':
      'the same packets in two sections: another interface here, sent again there',
    'public/zeek/tunnels/vxlan-overlapping-http-get.pcap':
      'tshark 4.0 leaves the VNI out of its conversations',
    'public/ndpi/vxlan.pcap':
      'one of three equal RST, 54 and 55, passes for a second look at the same packet',
  };

  const names = [
    'kernel',
    'docker-swarm',
    'ovs',
    'formats',
    'public/ndpi',
    'public/zeek/tunnels',
    'public/tcpdump',
  ]
    .flatMap(captureNames)
    .filter((name) => /vxlan|^(kernel|docker-swarm|ovs|formats)\/.*\.pcap(ng)?$/.test(name))
    .filter(
      (name) =>
        !/^formats\/(?!any|concat|snaplen)|^docker-swarm\/(?!traffic|attach|failure)|perf-snap/.test(name),
    );

  test.each(names)('%s', (name) => {
    const [mine, other] = [ours(captureBytes(name)), theirs(capturePath(name))];
    if (name in OTHERWISE) expect(mine).not.toEqual(other);
    else expect(mine).toEqual(other);
  });

  test.each([
    ['sent again', RESENT],
    ['closed windows', SHUT],
    ['duplicate ACKs', REPEATED],
    ['broken off', BROKEN],
    ['SYNs unanswered', SILENT],
  ] as const)('made: %s', (name, pieces) => {
    const file = fileOf(pieces);
    const path = files.path(`${name.replaceAll(' ', '-')}.pcapng`);
    writeFileSync(path, file);
    const mine = ours(file);
    expect(mine).toEqual(theirs(path));
    expect(Object.values(mine).some((n) => n > 0)).toBe(true);
  });
});
