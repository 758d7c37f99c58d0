import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/core/doctor/rule.ts';
import { viewOf } from '../../support/bytes.ts';
import type { Piece } from './traffic-run.ts';
import {
  A,
  B,
  diagnosedCapture,
  diagnosedPieces,
  echo,
  only,
  talk,
  told,
  tunnelled,
  VTEP_A,
  VTEP_B,
} from './tunnel-scene.ts';

const HEADER = 42;

/** A healthy packet whose VXLAN header is changed. */
function spoiled(change: (header: DataView) => void, port = 4789): Piece {
  const piece = tunnelled(0, VTEP_A, VTEP_B, echo(A, B, 1), { port });
  const view = viewOf(piece.bytes);
  change(new DataView(view.buffer, view.byteOffset + HEADER, 8));
  return piece;
}

/** Who drops, in the order of the table. */
function droppers({ verdicts }: Finding): string[] {
  return verdicts.filter(({ accepts }) => !accepts).map(({ implementation }) => implementation);
}

const ALL = ['RFC 7348', 'Linux', 'OVS', 'VPP', 'Suricata'];

describe('VXLAN-I-CLEAR', () => {
  test('for a header without the flag, which everybody drops', () => {
    const found = only(diagnosedPieces(spoiled((header) => header.setUint8(0, 0))), 'VXLAN-I-CLEAR');
    expect(found).toMatchObject({ severity: 'error', count: 1, packets: [1] });
    expect(found.verdicts.map(({ implementation }) => implementation)).toEqual(ALL);
    expect(droppers(found)).toEqual(ALL);
  });

  test('and what such packets carry teaches nothing', () => {
    const lost = [0, 1, 2, 3].map((at) => ({ ...spoiled((header) => header.setUint8(0, 0)), at: at * 1e6 }));
    expect(told(diagnosedPieces(...lost))).toEqual(['error VXLAN-I-CLEAR']);
  });
});

describe('VXLAN-RESERVED-BITS', () => {
  const NOT_THE_RFC = ['Linux', 'OVS', 'VPP', 'Suricata'];
  test.each([
    ['a bit of the flag byte', (h: DataView) => h.setUint8(0, 0x48), NOT_THE_RFC],
    [
      'a bit of bytes 1 to 3, which VPP does not look at',
      (h: DataView) => h.setUint8(2, 1),
      ['Linux', 'OVS', 'Suricata'],
    ],
    ['the last byte, which VPP takes for a part of the VNI', (h: DataView) => h.setUint8(7, 1), NOT_THE_RFC],
    [
      'the A bit of group policy without its G bit',
      (h: DataView) => h.setUint8(1, 8),
      ['Linux', 'OVS', 'Suricata'],
    ],
  ])('for %s', (_, change, drop) => {
    const found = only(diagnosedPieces(spoiled(change)), 'VXLAN-RESERVED-BITS');
    expect(found.severity).toBe('warning');
    expect(found.verdicts.map(({ implementation }) => implementation)).toEqual(ALL);
    expect(droppers(found)).toEqual(drop);
  });

  test('in a capture where all of them are set', () => {
    const found = only(
      diagnosedCapture('public/suricata-verify/vxlan-non-zero-reserved-fields.pcap'),
      'VXLAN-RESERVED-BITS',
    );
    expect(found.count).toBe(10);
    expect(found.title).toBe('10 headers with reserved bits set: 0xf7 0x01d3ff, last byte 0x01 (VNI 11)');
    expect(droppers(found)).toEqual(NOT_THE_RFC);
  });

  test('in a capture of remote checksum offload, which is named', () => {
    const found = only(diagnosedCapture('kernel/csum-remcsum.pcap'), 'VXLAN-RESERVED-BITS');
    expect(found.packets[0]).toBe(5);
    expect(found.count).toBe(13);
    expect(found.title).toContain('of remote checksum offload: 0x00 0x200000');
    expect(found.verdicts.find(({ implementation }) => implementation === 'Linux')?.why).toContain(
      'remcsumrx',
    );
  });
});

describe('VXLAN-GBP and VXLAN-GPE-BITS', () => {
  test('group policy is a note with the group', () => {
    const found = only(diagnosedCapture('public/pcapplusplus/Vxlan1.pcap'), 'VXLAN-GBP');
    expect(found.severity).toBe('note');
    expect(found.title).toBe('1 header with group policy 100');
    expect(droppers(found)).toEqual(['Linux', 'OVS', 'VPP', 'Suricata']);
    expect(told(diagnosedCapture('public/pcapplusplus/Vxlan2.pcap'), 'VXLAN')).toEqual([
      'warning VXLAN-RESERVED-BITS',
    ]);
  });

  test('the P flag on 4789 is a warning, on 4790 it belongs there', () => {
    const change = (header: DataView) => header.setUint32(0, 0x0c000003);
    const found = only(diagnosedPieces(spoiled(change)), 'VXLAN-GPE-BITS');
    expect(droppers(found)).toEqual(['Linux', 'OVS', 'VPP', 'Suricata']);
    expect(told(diagnosedPieces(spoiled(change, 4790)), 'VXLAN', 'GPE')).toEqual([]);
    for (const name of ['kernel/gpe.pcap', 'ovs/gpe.pcap', 'public/tcpdump/nsh-over-vxlan-gpe.pcap']) {
      expect(told(diagnosedCapture(name), 'VXLAN', 'GPE')).toEqual([]);
    }
  });
});

describe('GPE-HEADER', () => {
  test('for GPE without the P flag, in a capture and out of one', () => {
    const found = only(diagnosedCapture('public/arkime/arkime_synthetic.pcap'), 'GPE-HEADER');
    expect(found.packets).toEqual([618, 619]);
    expect(droppers(found)).toEqual(['Linux', 'OVS']);
  });

  test.each([
    ['the O flag', 0x0d000003],
    ['version 1', 0x1c000003],
  ])('for %s', (_, word) => {
    const found = diagnosedPieces(spoiled((header) => header.setUint32(0, word), 4790));
    expect(told(found, 'GPE', 'VXLAN')).toEqual(['warning GPE-HEADER']);
  });
});

describe('VXLAN-TOO-SHORT', () => {
  test.each([0, 1, 7, 8, 21])('for %i bytes behind UDP', (length) => {
    const piece = tunnelled(0, VTEP_A, VTEP_B, echo(A, B, 1));
    const bytes = piece.bytes.slice(0, HEADER + length);
    const view = viewOf(bytes);
    view.setUint16(16, bytes.length - 14);
    view.setUint16(38, 8 + length);
    const found = told(diagnosedPieces({ ...piece, bytes }), 'VXLAN');
    // A datagram without any payload carries nothing that could be wrong.
    expect(found).toEqual(length === 0 ? [] : ['error VXLAN-TOO-SHORT']);
  });

  test('not for packets that the capture cut', () => {
    expect(told(diagnosedCapture('kernel/perf-snap110.pcap'), 'VXLAN')).toEqual([]);
    expect(told(diagnosedCapture('formats/snaplen96.pcap'), 'VXLAN')).toEqual([]);
  });
});

test('a plain header is not worth a word', () => {
  expect(told(diagnosedPieces(...talk(0, A, B)))).toEqual([]);
});
