import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp4, parseMac } from '../../../src/core/wire/address.ts';
import * as arp from '../../../src/core/wire/arp.ts';
import { faultKind, faultLayer, faultNeeded, KIND, LAYER, NO_FAULT } from '../../../src/core/wire/fault.ts';
import { parseIp4 } from '../../../src/core/wire/parse-ip.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, truth } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

// The inner ARP request of frame 2 of tcpdump's tests/vxlan.pcap.
const KNOWN = hex('0001 0800 0604 0001 003088010002 c0a8cb05 000000000000 c0a8cb03');
const PACKET = {
  hardware: 1,
  protocol: 0x0800,
  hardwareLength: 6,
  protocolLength: 4,
  op: arp.OP.request,
  senderMac: parseMac('00:30:88:01:00:02'),
  senderIp: parseIp4('192.168.203.5'),
  targetMac: 0,
  targetIp: parseIp4('192.168.203.3'),
};

const macs = fc.nat({ max: 0xffffffffffff });
const ips = fc.nat({ max: 0xffffffff });

function changed(at: number, ...bytes: number[]): DataView {
  const copy = KNOWN.slice();
  copy.set(bytes, at);
  return viewOf(copy);
}

describe('ARP, RFC 826', () => {
  test('a known request is taken apart', () => {
    expect(arp.check(viewOf(KNOWN), 0, 28)).toBe(NO_FAULT);
    expect(arp.headerLength(viewOf(KNOWN), 0)).toBe(28);
    expect(arp.read(viewOf(KNOWN), 0)).toEqual(PACKET);
  });

  test('and put together', () => {
    const bytes = new Uint8Array(30).fill(0xee);
    arp.write(viewOf(bytes), 1, 1, PACKET.senderMac, PACKET.senderIp, PACKET.targetMac, PACKET.targetIp);
    expect(toHex(bytes)).toBe(`ee${toHex(KNOWN)}ee`);
  });

  test('operation and addresses of a swarm are what tshark reads', () => {
    const name = 'docker-swarm/failure-underlay.pcap';
    const packets = packetsOf(captureBytes(name));
    let seen = 0;
    for (const [i, row] of truth(name).entries()) {
      if (row['frame.protocols'] !== 'eth:ethertype:arp') continue;
      const bytes = (packets[i] as { bytes: Uint8Array }).bytes;
      const view = viewOf(bytes);
      // The frame may be longer: Ethernet pads to 60 bytes.
      expect(arp.check(view, 14, bytes.length)).toBe(NO_FAULT);
      expect(arp.op(view, 14)).toBe(Number(row['arp.opcode']));
      expect(formatIp4(arp.senderIp(view, 14))).toBe(row['arp.src.proto_ipv4']);
      expect(formatIp4(arp.targetIp(view, 14))).toBe(row['arp.dst.proto_ipv4']);
      seen++;
    }
    expect(seen).toBeGreaterThan(5);
  });

  test('every truncation is a short header, then an overrun', () => {
    for (let end = 0; end < 28; end++) {
      const f = arp.check(viewOf(KNOWN.slice(0, end)), 0, end);
      expect([faultLayer(f), faultKind(f), faultNeeded(f)]).toEqual([
        LAYER.arp,
        end < 8 ? KIND.short : KIND.overrun,
        28,
      ]);
    }
  });

  test('every lie in an address length is a fault', () => {
    for (let length = 0; length < 256; length++) {
      const hardware = arp.check(changed(4, length), 0, 28);
      expect(faultKind(hardware)).toBe(length < 6 ? KIND.value : length === 6 ? 0 : KIND.overrun);
      if (length !== 6) expect(faultNeeded(hardware)).toBe(length < 6 ? length : 16 + 2 * length);
      const protocol = arp.check(changed(5, length), 0, 28);
      expect(faultKind(protocol)).toBe(length < 4 ? KIND.value : length === 4 ? 0 : KIND.overrun);
      if (length !== 4) expect(faultNeeded(protocol)).toBe(length < 4 ? length : 20 + 2 * length);
    }
  });

  test('other hardware and other protocols are values that this ARP does not have', () => {
    const hardware = arp.check(changed(0, 0, 6), 0, 28);
    expect([faultKind(hardware), faultNeeded(hardware)]).toEqual([KIND.value, 6]);
    const protocol = arp.check(changed(2, 0x86, 0xdd), 0, 28);
    expect([faultKind(protocol), faultNeeded(protocol)]).toEqual([KIND.value, 0x86dd]);
  });

  test('a packet that lies about its hardware length is refused (tcpdump arp-too-long-tha)', () => {
    const bytes = (
      packetsOf(captureBytes('public/tcpdump/arp-too-long-tha.pcap'))[0] as { bytes: Uint8Array }
    ).bytes;
    // 88a8 3030 0806, then hardware type 0x3030, IPv4, lengths 14 and 4.
    const f = arp.check(viewOf(bytes), 18, bytes.length);
    expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.value, 0x3030]);
    expect(arp.headerLength(viewOf(bytes), 18)).toBe(8 + 2 * 14 + 2 * 4);
  });

  test('what write makes, read gives back', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), macs, ips, macs, ips, (op, senderMac, senderIp, targetMac, targetIp) => {
        const view = viewOf(new Uint8Array(28));
        arp.write(view, 0, op, senderMac, senderIp, targetMac, targetIp);
        expect(arp.check(view, 0, 28)).toBe(NO_FAULT);
        expect(arp.read(view, 0)).toEqual({ ...PACKET, op, senderMac, senderIp, targetMac, targetIp });
      }),
    );
  });

  test('writeRaw gives back any 28 bytes, sense or nonsense', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 28, maxLength: 28 }), (bytes) => {
        const copy = new Uint8Array(28);
        arp.writeRaw(viewOf(copy), 0, arp.read(viewOf(bytes), 0));
        expect(toHex(copy)).toBe(toHex(bytes));
      }),
    );
  });

  test('random bytes never throw, and pass only as ARP for IPv4 over Ethernet', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60, size: 'max' }),
        fc.nat(12),
        fc.boolean(),
        (bytes, skip, usual) => {
          const at = Math.min(skip, bytes.length);
          if (usual && bytes.length - at >= 6) bytes.set(KNOWN.subarray(0, 6), at);
          const f = arp.check(viewOf(bytes), at, bytes.length);
          expect(f === NO_FAULT || faultLayer(f) === LAYER.arp).toBe(true);
          const six = toHex(bytes.slice(at, at + 6)) === '000108000604';
          expect(f === NO_FAULT).toBe(six && bytes.length - at >= 28);
        },
      ),
    );
  });
});
