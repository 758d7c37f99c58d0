import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ethernet from '../../../src/core/wire/ethernet.ts';
import { faultKind, faultLayer, faultNeeded, KIND, LAYER, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as vlan from '../../../src/core/wire/vlan.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, truth } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

const vids = fc.nat(0xfff);
const pcps = fc.nat(7);
const types = fc.nat(0xffff);

function views(name: string): DataView[] {
  return packetsOf(captureBytes(name)).map((packet) => viewOf(packet.bytes));
}

describe('VLAN tags, IEEE 802.1Q', () => {
  test('two tags of a real frame are taken apart, priority and drop bit included', () => {
    // ArpRequestWithVlan.pcap of PcapPlusPlus: 8100 b29a 8100 40c8 0806.
    const view = (views('public/pcapplusplus/ArpRequestWithVlan.pcap') as [DataView])[0];
    expect(vlan.isTag(ethernet.etherType(view, 0))).toBe(true);
    expect(vlan.check(view, 14, 18)).toBe(NO_FAULT);
    expect(vlan.read(view, 14)).toEqual({ pcp: 5, dei: true, vid: 666, etherType: 0x8100 });
    expect(vlan.read(view, 18)).toEqual({ pcp: 2, dei: false, vid: 200, etherType: 0x0806 });
    expect([vlan.tci(view, 14), vlan.tci(view, 18)]).toEqual([0xb29a, 0x40c8]);
  });

  test('a provider tag before a customer tag (802.1ad, tcpdump)', () => {
    for (const view of views('public/tcpdump/802.1ad_QinQ.pcap')) {
      expect(ethernet.etherType(view, 0)).toBe(0x88a8);
      expect(vlan.isTag(0x88a8)).toBe(true);
      expect(vlan.read(view, 14)).toEqual({ pcp: 0, dei: false, vid: 200, etherType: 0x8100 });
      expect(vlan.read(view, 18)).toEqual({ pcp: 0, dei: false, vid: 2001, etherType: 0x0806 });
    }
  });

  test.each(['ovs/vlan-trunk-noisy.pcap', 'kernel/inner-vlan.pcap'])(
    '%s: the ids of tags inside VXLAN are what tshark reads',
    (name) => {
      const packets = views(name);
      let seen = 0;
      for (const [i, row] of truth(name).entries()) {
        const inside = /^eth:ethertype:ip:udp:vxlan:eth:ethertype:(?:vlan|ieee8021ad):/;
        if (!inside.test(row['frame.protocols'] ?? '')) continue;
        const view = packets[i] as DataView;
        const ids: number[] = [];
        let type = ethernet.etherType(view, 50);
        for (let at = 64; vlan.isTag(type); at += vlan.HEADER_LEN) {
          expect(vlan.check(view, at, view.byteLength)).toBe(NO_FAULT);
          ids.push(vlan.vid(view, at));
          type = vlan.etherType(view, at);
        }
        // tshark leaves a service tag's id out of vlan.id.
        const told = (row['vlan.id'] as string).split(';').map(Number);
        expect(ids.slice(-told.length)).toEqual(told);
        seen++;
      }
      expect(seen).toBeGreaterThan(5);
    },
  );

  test('the EtherTypes that announce a tag', () => {
    expect([0x8100, 0x88a8, 0x9100].every(vlan.isTag)).toBe(true);
    expect([0x0800, 0x0806, 0x86dd, 0x8101, 0x9101, 0].some(vlan.isTag)).toBe(false);
  });

  test('every truncation is a short tag', () => {
    for (const at of [0, 14]) {
      for (let length = 0; length < 4; length++) {
        const f = vlan.check(viewOf(new Uint8Array(at + length)), at, at + length);
        expect([faultLayer(f), faultKind(f), faultNeeded(f)]).toEqual([LAYER.vlan, KIND.short, 4]);
      }
      expect(vlan.check(viewOf(new Uint8Array(at + 4)), at, at + 4)).toBe(NO_FAULT);
    }
  });

  test('a known tag is put together', () => {
    const bytes = new Uint8Array(6).fill(0xee);
    vlan.write(viewOf(bytes), 1, 666, 5, true, 0x8100);
    expect(bytes).toEqual(hex('ee b29a 8100 ee'));
  });

  test('what the writers make, read gives back', () => {
    fc.assert(
      fc.property(vids, pcps, fc.boolean(), types, (vid, pcp, dei, etherType) => {
        const one = viewOf(new Uint8Array(4).fill(0xff));
        const other = new Uint8Array(4).fill(0xff);
        vlan.write(one, 0, vid, pcp, dei, etherType);
        vlan.writeRaw(viewOf(other), 0, { vid, pcp, dei, etherType });
        expect(vlan.read(one, 0)).toEqual({ vid, pcp, dei, etherType });
        expect(vlan.read(viewOf(other), 0)).toEqual({ vid, pcp, dei, etherType });
      }),
    );
  });

  test('any four bytes survive being read and written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        const copy = new Uint8Array(4);
        vlan.writeRaw(viewOf(copy), 0, vlan.read(viewOf(bytes), 0));
        expect(toHex(copy)).toBe(toHex(bytes));
      }),
    );
  });

  test('values too wide are cut and do not reach into other fields', () => {
    const bytes = new Uint8Array(4);
    vlan.write(viewOf(bytes), 0, 0x1fff, 8, false, 0x0800);
    expect(bytes).toEqual(hex('0fff 0800'));
  });

  test('setVid leaves priority, drop bit and type alone', () => {
    fc.assert(
      fc.property(vids, vids, pcps, fc.boolean(), types, (before, vid, pcp, dei, etherType) => {
        const view = viewOf(new Uint8Array(4));
        vlan.write(view, 0, before, pcp, dei, etherType);
        vlan.setVid(view, 0, vid | 0x1000);
        expect(vlan.read(view, 0)).toEqual({ vid, pcp, dei, etherType });
      }),
    );
  });
});
