import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultKind, faultLayer, faultNeeded, KIND, LAYER, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, truth } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

/** Where VXLAN starts in Ethernet, IPv4 without options and UDP. */
const AT = 42;
/** Frame 1 of tcpdump's tests/vxlan.pcap: VNI 100. */
const PLAIN = hex('0800 0000 0000 6400');
/** Vxlan1.pcap of PcapPlusPlus: G, I, D and A, group 100, VNI 3000001. */
const GBP = hex('8848 0064 2dc6 c100');

const vnis = fc.nat(0xffffff);

function views(name: string): DataView[] {
  return packetsOf(captureBytes(name)).map((packet) => viewOf(packet.bytes));
}

describe('VXLAN, RFC 7348', () => {
  test('a known header is taken apart', () => {
    const view = viewOf(PLAIN);
    expect(vxlan.check(view, 0, 8)).toBe(NO_FAULT);
    expect(vxlan.read(view, 0)).toEqual({
      flags: 0x08,
      vniValid: true,
      vni: 100,
      reserved1: 0,
      reserved2: 0,
      gbp: null,
      nextProtocol: null,
    });
    expect(vxlan.reservedSet(view, 0)).toBe(false);
    expect(vxlan.firstWord(view, 0)).toBe(vxlan.FIRST_WORD);
  });

  test('put together, it is byte for byte what other programs sent', () => {
    const bytes = new Uint8Array(10).fill(0xee);
    vxlan.write(viewOf(bytes), 1, 100);
    expect(toHex(bytes)).toBe(`ee${toHex(PLAIN)}ee`);
  });

  test.each(['docker-swarm/traffic-underlay.pcap', 'kernel/unicast4.pcap', 'kernel/misc-vni-16777215.pcap'])(
    '%s: flags and VNI of each packet are what tshark reads',
    (name) => {
      const packets = views(name);
      let seen = 0;
      for (const [i, row] of truth(name).entries()) {
        if (!/^eth:ethertype:ip:udp:vxlan:/.test(row['frame.protocols'] as string)) continue;
        const view = packets[i] as DataView;
        // A fragment's VXLAN fields stand in the row of the last one, whose bytes hold no header.
        if ((view.getUint16(20) & 0x3fff) !== 0) continue;
        expect(vxlan.vni(view, AT)).toBe(Number((row['vxlan.vni'] as string).split(';')[0]));
        expect(view.getUint16(AT)).toBe(Number((row['vxlan.flags'] as string).split(';')[0]));
        expect(vxlan.reservedSet(view, AT)).toBe(false);
        seen++;
      }
      expect(seen).toBeGreaterThan(0);
    },
  );

  test('every truncation is a short header', () => {
    for (let end = 0; end < 8; end++) {
      const f = vxlan.check(viewOf(PLAIN.slice(0, end)), 0, end);
      expect([faultLayer(f), faultKind(f), faultNeeded(f)]).toEqual([LAYER.vxlan, KIND.short, 8]);
    }
    expect(vxlan.check(viewOf(PLAIN), 3, 8)).not.toBe(NO_FAULT);
  });

  test('every reserved bit, set alone, is reported and does not touch the VNI', () => {
    for (let bit = 0; bit < 64; bit++) {
      const bytes = PLAIN.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (0x80 >> (bit & 7));
      const view = viewOf(bytes);
      const reserved = bit !== 4 && (bit < 32 || bit >= 56);
      expect(vxlan.reservedSet(view, 0)).toBe(reserved);
      expect(vxlan.vniValid(view, 0)).toBe(bit !== 4);
      if (bit < 32 || bit >= 56) expect(vxlan.vni(view, 0)).toBe(100);
      else expect(vxlan.vni(view, 0)).not.toBe(100);
    }
  });

  test('a header with every flag and reserved field set is shown as it is (suricata-verify)', () => {
    const packets = views('public/suricata-verify/vxlan-non-zero-reserved-fields.pcap');
    expect(packets).toHaveLength(10);
    for (const view of packets) {
      expect(vxlan.check(view, AT, view.byteLength)).toBe(NO_FAULT);
      const h = vxlan.read(view, AT);
      expect(h).toMatchObject({ flags: 0xff, vniValid: true, vni: 11 });
      expect(h.reserved1 >>> 16).toBe(1);
      expect(h.reserved2).toBeLessThanOrEqual(1);
      expect(h.gbp).toEqual({ group: h.reserved1 & 0xffff, dontLearn: false, applied: false });
      expect(h.nextProtocol).toBe(h.reserved1 & 0xff);
      expect(vxlan.reservedSet(view, AT)).toBe(true);
    }
    expect(packets.map((view) => vxlan.reserved2(view, AT))).toContain(1);
  });

  test('setVni leaves the byte behind the VNI alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), vnis, (bytes, vni) => {
        const before = bytes.slice();
        vxlan.setVni(viewOf(bytes), 0, vni);
        expect(vxlan.vni(viewOf(bytes), 0)).toBe(vni);
        expect([...bytes.slice(0, 4), bytes[7]]).toEqual([...before.slice(0, 4), before[7]]);
      }),
    );
  });

  test('what write makes, read gives back', () => {
    fc.assert(
      fc.property(vnis, (vni) => {
        const view = viewOf(new Uint8Array(8).fill(0xff));
        vxlan.write(view, 0, vni);
        expect(vxlan.read(view, 0)).toMatchObject({ flags: 8, vni, reserved1: 0, reserved2: 0 });
      }),
    );
  });

  test('writeRaw gives back any 64 bits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bytes) => {
        const copy = new Uint8Array(8);
        vxlan.writeRaw(viewOf(copy), 0, vxlan.read(viewOf(bytes), 0));
        expect(toHex(copy)).toBe(toHex(bytes));
      }),
    );
  });

  test('writeRaw cuts what is too wide, and the neighbours stay', () => {
    const bytes = new Uint8Array(8);
    vxlan.writeRaw(viewOf(bytes), 0, {
      flags: 0x1ff,
      reserved1: 0xff000000,
      vni: 0x3000000,
      reserved2: 0x1ff,
    });
    expect(toHex(bytes)).toBe('ff000000000000ff');
  });

  test('only a whole number of 24 bits is a VNI', () => {
    for (const good of [0, 1, 0xffffff]) expect(vxlan.asVni(good)).toBe(good);
    for (const bad of [-1, 0x1000000, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => vxlan.asVni(bad)).toThrow(
        expect.objectContaining({ code: 'BAD_VNI', message: expect.stringContaining(String(bad)) }),
      );
    }
  });
});

describe('group policy, draft-smith-vxlan-group-policy', () => {
  test('a known header is taken apart and put together', () => {
    const view = (views('public/pcapplusplus/Vxlan1.pcap') as [DataView])[0];
    expect(toHex(new Uint8Array(view.buffer, view.byteOffset + AT, 8))).toBe(toHex(GBP));
    expect(vxlan.read(view, AT)).toMatchObject({
      flags: 0x88,
      vni: 3000001,
      gbp: { group: 100, dontLearn: true, applied: true },
      nextProtocol: null,
    });
    const bytes = new Uint8Array(8).fill(0xff);
    vxlan.writeGbp(viewOf(bytes), 0, 3000001, 100, true, true);
    expect(toHex(bytes)).toBe(toHex(GBP));
  });

  test('D and A stand apart and are off unless asked for', () => {
    const bytes = new Uint8Array(8);
    vxlan.writeGbp(viewOf(bytes), 0, 1, 0xffff);
    expect(toHex(bytes)).toBe('8800ffff00000100');
    vxlan.writeGbp(viewOf(bytes), 0, 1, 0xffff, true);
    expect(toHex(bytes)).toBe('8840ffff00000100');
    vxlan.writeGbp(viewOf(bytes), 0, 1, 0xffff, false, true);
    expect(toHex(bytes)).toBe('8808ffff00000100');
  });

  test('what writeGbp makes, read gives back', () => {
    fc.assert(
      fc.property(vnis, fc.nat(0xffff), fc.boolean(), fc.boolean(), (vni, group, dontLearn, applied) => {
        const view = viewOf(new Uint8Array(8).fill(0xff));
        vxlan.writeGbp(view, 0, vni, group, dontLearn, applied);
        expect(vxlan.read(view, 0)).toMatchObject({ vni, gbp: { group, dontLearn, applied } });
      }),
    );
  });
});

describe('generic protocol, draft-ietf-nvo3-vxlan-gpe', () => {
  test('the header that Open vSwitch sends for Ethernet', () => {
    const bytes = new Uint8Array(8).fill(0xff);
    vxlan.writeGpe(viewOf(bytes), 0, 345, vxlan.GPE_NEXT.ethernet);
    expect(toHex(bytes)).toBe('0c00000300015900');
  });

  test.each(['ovs/gpe.pcap', 'kernel/gpe.pcap'])('%s: each next protocol', (name) => {
    const rows = truth(name);
    let seen = 0;
    for (const [i, view] of views(name).entries()) {
      const next = rows[i]?.['vxlan.next_proto'] ?? '';
      if (next === '' || view.getUint16(12) !== 0x0800) continue;
      expect(vxlan.read(view, AT).nextProtocol).toBe(Number(next.split(';')[0]));
      expect(vxlan.flags(view, AT) & vxlan.FLAG_P).not.toBe(0);
      seen++;
    }
    expect(seen).toBeGreaterThan(0);
  });

  test('what writeGpe makes, read gives back', () => {
    fc.assert(
      fc.property(vnis, fc.nat(255), (vni, next) => {
        const view = viewOf(new Uint8Array(8).fill(0xff));
        vxlan.writeGpe(view, 0, vni, next);
        expect(vxlan.read(view, 0)).toMatchObject({ flags: 0x0c, vni, nextProtocol: next, gbp: null });
      }),
    );
  });
});
