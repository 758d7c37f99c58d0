import { describe, expect, test } from 'vitest';
import { formatIp4, writeIp6 } from '../../../src/core/wire/address.ts';
import { parseIp, parseIp4 } from '../../../src/core/wire/parse-ip.ts';
import { Peers } from '../../../src/engine/fabric/peers.ts';
import { parseCidr } from '../../../src/engine/ipam/cidr.ts';
import { Counters } from '../../../src/engine/trace/counters.ts';
import type { AdmissionOptions } from '../../../src/live/vtep/admission.ts';
import { Admission } from '../../../src/live/vtep/admission.ts';

function door(options: Partial<AdmissionOptions> = {}): {
  readonly it: Admission;
  readonly peers: Peers;
  drops(): object;
} {
  const peers = new Peers();
  const counters = new Counters();
  const own = parseIp('192.0.2.2');
  const it = new Admission(peers, counters, { own, known: [], accept: [], acceptAny: false, ...options });
  return { it, peers, drops: () => counters.snapshot().drops };
}

describe('the door of a live VTEP', () => {
  test('knows the remotes by text and by number, and nobody else', () => {
    const { it, peers, drops } = door({ known: [parseIp('192.0.2.1'), parseIp('2001:db8::1')] });
    expect(it.peerOf('192.0.2.1')).toBe(0);
    expect(it.peer4(parseIp4('192.0.2.1'))).toBe(0);
    const view = new DataView(new ArrayBuffer(16));
    const six = parseIp('2001:db8::1');
    if (typeof six !== 'number') writeIp6(view, 0, six);
    expect(it.peer6(view, 0)).toBe(1);
    expect(it.peerOf('2001:db8::1')).toBe(1);
    expect(drops()).toEqual({});
    expect([it.peerOf('192.0.2.7'), it.peer4(parseIp4('192.0.2.8'))]).toEqual([-1, -1]);
    expect(drops()).toEqual({ 'unknown peer': 2 });
    expect(peers.size).toBe(2);
  });

  test('passes over the interface in a link-local address', () => {
    const { it } = door({ known: [parseIp('fe80::1')] });
    expect(it.peerOf('fe80::1%eth0')).toBe(0);
  });

  test('lets a subnet in, as its members come', () => {
    const { it, drops } = door({ accept: [parseCidr('192.0.2.0/28')] });
    expect([it.peerOf('192.0.2.1'), it.peerOf('192.0.2.3'), it.peerOf('192.0.2.1')]).toEqual([0, 1, 0]);
    expect(it.peerOf('192.0.2.16')).toBe(-1);
    expect(drops()).toEqual({ 'unknown peer': 1 });
  });

  test('never takes its own address for somebody else, not even when it is open', () => {
    const { it, drops } = door({ acceptAny: true });
    expect(it.peerOf('192.0.2.2')).toBe(-1);
    expect(drops()).toEqual({ 'martian address': 1 });
  });

  test('remembers a bounded number of guests, however many forge an address', () => {
    const { it, peers, drops } = door({ acceptAny: true, known: [parseIp('192.0.2.1')] });
    for (let i = 0; i < 10_000; i++) it.peerOf(formatIp4(0x0a000000 + i));
    expect(peers.size).toBe(4097);
    expect(drops()).toEqual({ 'unknown peer': 10_000 - 4096 });
    expect(it.peerOf('192.0.2.1')).toBe(0);
    expect(it.peerOf('10.0.0.0')).toBe(1);
  });

  test('allocates no number for a stranger', () => {
    const { it, peers } = door();
    for (let i = 0; i < 10_000; i++) it.peer4(0x0a000000 + i);
    expect(peers.size).toBe(0);
  });
});
