import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMac, macHi, macLo } from '../../../src/core/wire/address.ts';
import * as ethernet from '../../../src/core/wire/ethernet.ts';
import { faultKind, faultLayer, faultNeeded, KIND, LAYER, NO_FAULT } from '../../../src/core/wire/fault.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, truth } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

// Frame 1 of tcpdump's tests/vxlan.pcap.
const KNOWN = hex('00163e0871cf 36dc851eb340 0800');
const HEADER = { dst: 0x00163e0871cf, src: 0x36dc851eb340, etherType: 0x0800 };

const macs = fc.nat({ max: 0xffffffffffff });

describe('Ethernet, IEEE 802.3', () => {
  test('a known header is taken apart, whole and by words', () => {
    const view = viewOf(KNOWN);
    expect(ethernet.check(view, 0, 14)).toBe(NO_FAULT);
    expect(ethernet.read(view, 0)).toEqual(HEADER);
    expect([ethernet.dstHi(view, 0), ethernet.dstLo(view, 0)]).toEqual([0x0016, 0x3e0871cf]);
    expect([ethernet.srcHi(view, 0), ethernet.srcLo(view, 0)]).toEqual([0x36dc, 0x851eb340]);
  });

  test.each(['docker-swarm/deploy-underlay.pcap', 'kernel/ipv6-underlay.pcap', 'ovs/vlan-trunk-noisy.pcap'])(
    '%s: addresses and type of each frame are what tshark reads',
    (name) => {
      const packets = packetsOf(captureBytes(name));
      const rows = truth(name);
      expect(packets.length).toBe(rows.length);
      for (const [i, packet] of packets.entries()) {
        const h = ethernet.read(viewOf(packet.bytes), 0);
        expect(formatMac(h.dst)).toBe((rows[i]?.['eth.dst'] ?? '').split(';')[0]);
        expect(formatMac(h.src)).toBe((rows[i]?.['eth.src'] ?? '').split(';')[0]);
        if (!ethernet.isLength(h.etherType) && !(rows[i]?.['vlan.id'] ?? ''))
          expect(h.etherType).toBe(Number((rows[i]?.['eth.type'] ?? '').split(';')[0]));
      }
    },
  );

  test('every truncation is a short header', () => {
    for (const at of [0, 50]) {
      for (let length = 0; length < 14; length++) {
        const f = ethernet.check(viewOf(new Uint8Array(at + length)), at, at + length);
        expect([faultLayer(f), faultKind(f), faultNeeded(f)]).toEqual([LAYER.ethernet, KIND.short, 14]);
      }
      expect(ethernet.check(viewOf(new Uint8Array(at + 14)), at, at + 14)).toBe(NO_FAULT);
    }
  });

  test('three writers, one header', () => {
    fc.assert(
      fc.property(macs, macs, fc.nat(0xffff), (dst, src, etherType) => {
        const made = [0, 1, 2].map(() => new Uint8Array(16).fill(0xee));
        const [a, b, c] = made.map(viewOf) as [DataView, DataView, DataView];
        ethernet.write(a, 1, dst, src, etherType);
        ethernet.writeWords(b, 1, macHi(dst), macLo(dst), macHi(src), macLo(src), etherType);
        ethernet.writeRaw(c, 1, { dst, src, etherType });
        expect(ethernet.read(a, 1)).toEqual({ dst, src, etherType });
        expect(made.map(toHex)).toEqual(Array(3).fill(toHex(made[0] as Uint8Array)));
        expect(toHex(made[0] as Uint8Array)).toMatch(/^ee.*ee$/);
      }),
    );
    const bytes = new Uint8Array(14);
    ethernet.writeRaw(viewOf(bytes), 0, HEADER);
    expect(bytes).toEqual(KNOWN);
  });

  test('a setter changes its own field', () => {
    fc.assert(
      fc.property(macs, macs, fc.nat(0xffff), (dst, src, etherType) => {
        const view = viewOf(KNOWN.slice());
        ethernet.setSrc(view, 0, src);
        expect(ethernet.read(view, 0)).toEqual({ ...HEADER, src });
        ethernet.setDst(view, 0, dst);
        expect(ethernet.read(view, 0)).toEqual({ ...HEADER, src, dst });
        ethernet.setEtherType(view, 0, etherType);
        expect(ethernet.read(view, 0)).toEqual({ src, dst, etherType });
      }),
    );
  });

  test('a type up to 1500 is a length and from 1536 on an EtherType; between, neither', () => {
    expect([0, 1500, 1501, 0x5ff, 0x600, 0x800].map(ethernet.isLength)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(ethernet.TYPE_MIN).toBe(1536);
  });
});
