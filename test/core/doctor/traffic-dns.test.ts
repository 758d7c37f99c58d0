// Name resolution inside the overlay: silence, refusals, and names that do not exist.

import { expect, test } from 'vitest';
import { L } from '../../../src/core/dissect/layer.ts';
import { DnsRule } from '../../../src/core/doctor/traffic/dns.ts';
import * as dns from '../../../src/core/wire/dns.ts';
import type { Piece } from './traffic-run.ts';
import { changed, fileOf, findIn, findInCapture, indexOf, lines, piecesOf } from './traffic-run.ts';

const rule = (): DnsRule => new DnsRule();
const judge = (pieces: readonly Piece[]): string[] => lines(findIn(fileOf(pieces), [rule]));

/** Four queries in VNI 42, two of them refused. */
const ALL = piecesOf('kernel/unicast4.pcap');
const isDns = (piece: Piece, response: boolean): boolean =>
  indexOf([piece], (view, d, { transport }) => {
    const row = transport + 1;
    return (
      transport >= 0 &&
      row < d.count &&
      d.kind(row) === L.dns &&
      dns.isResponse(view, d.start(row)) === response
    );
  }) === 0;
const QUERIES = ALL.filter((piece) => isDns(piece, false));
const ANSWERS = ALL.filter((piece) => isDns(piece, true));
/** Something else, much later. */
const LATER = { ...(ALL[0] as Piece), at: (ALL.at(-1) as Piece).at + 20e6 };

function answering(code: number): Piece[] {
  return ANSWERS.map((piece) =>
    changed(piece, (view, d, { transport }) => {
      const at = d.start(transport + 1) + 2;
      view.setUint16(at, (view.getUint16(at) & 0xfff0) | code);
    }),
  );
}

test('a real server that refuses names the first query that it refused', () => {
  expect(lines(findInCapture('kernel/unicast4.pcap', rule))).toEqual([
    'note DNS-FAILING VNI 42 10.1.1.2: 2 of 4 DNS queries answered with REFUSED, the first for nosuch.test',
  ]);
});

test('queries that nobody answers, unless the capture ends before a resolver would give up', () => {
  const found = findIn(fileOf([...QUERIES, LATER]), [rule]);
  expect(lines(found)).toEqual(['note DNS-UNANSWERED VNI 42 10.1.1.2: 4 of 4 DNS queries not answered']);
  expect(found[0]?.packets).toEqual([1, 2, 3, 4]);
  expect(judge(QUERIES)).toEqual([]);
});

test('a query that is sent again, or seen by two taps, is one', () => {
  const twice = QUERIES.flatMap((piece) => [piece, { ...piece, at: piece.at + 10, tap: 1 }]);
  expect(judge([...twice, LATER])).toEqual([
    'note DNS-UNANSWERED VNI 42 10.1.1.2: 4 of 4 DNS queries not answered',
  ]);
});

test('SERVFAIL, and names that do not exist', () => {
  expect(judge([...QUERIES, ...answering(dns.RCODE.serverFailure)])).toEqual([
    expect.stringMatching(
      /^note DNS-FAILING VNI 42 10.1.1.2: 4 of 4 DNS queries answered with SERVFAIL, the first for \S+$/,
    ),
  ]);
  expect(judge([...QUERIES, ...answering(dns.RCODE.nameError)])).toEqual([
    expect.stringMatching(
      /^note DNS-UNKNOWN-NAMES VNI 42 10.1.1.2: 4 of 4 DNS queries for names that do not exist/,
    ),
  ]);
});

test('answers, and an answer whose query was before the capture, raise nothing', () => {
  expect(judge([...QUERIES, ...answering(dns.RCODE.noError), LATER])).toEqual([]);
  expect(judge([...answering(dns.RCODE.serverFailure), LATER])).toEqual([]);
  for (const name of [
    'kernel/perf-snap110.pcap',
    'public/ndpi/vxlan.pcap',
    'docker-swarm/traffic-underlay.pcap',
  ]) {
    expect([name, lines(findInCapture(name, rule))]).toEqual([name, []]);
  }
});
