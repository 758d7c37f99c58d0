import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fold, pseudo4, sum } from '../../../src/core/wire/checksum.ts';
import { ethernet, icmp, ipv4, tcp, udp } from '../../../src/core/wire/index.ts';
import { ETHERTYPE, PROTO } from '../../../src/core/wire/numbers.ts';
import { innerSum, UNKNOWN_SUM } from '../../../src/engine/fabric/inner-sum.ts';
import { viewOf } from '../../support/bytes.ts';

const SRC = 0x0a000102;
const DST = 0x0a000103;

/** An Ethernet frame with right checksums around a payload, behind two bytes so that it does not start at 0. */
function frame(proto: number, payload: Uint8Array): { view: DataView; at: number; end: number } {
  const header = proto === PROTO.tcp ? 20 : 8;
  const at = 2;
  const end = at + 34 + header + payload.length;
  const bytes = new Uint8Array(end);
  bytes.set(payload, at + 34 + header);
  const view = viewOf(bytes);
  const pseudo = pseudo4(SRC, DST, proto, header + payload.length);
  if (proto === PROTO.udp) udp.write(view, at + 34, end, 40_000, 53, pseudo);
  else if (proto === PROTO.tcp)
    tcp.write(view, at + 34, end, 40_000, 80, 1, 2, tcp.FLAG.ACK, 512, 20, pseudo);
  else icmp.writeEcho(view, at + 34, end, icmp.TYPE.echo, 7, 9);
  ipv4.write(view, at + 14, end, SRC, DST, proto, 64, 0, 77, true);
  ethernet.write(view, at, 0x02420a000103, 0x02420a000102, ETHERTYPE.ipv4);
  return { view, at, end };
}

/** Sums that stand for the same number: 0 and 0xffff are both zero in one's complement. */
const value = (s: number): number => fold(s) % 0xffff;

describe('the sum of an inner frame from its headers', () => {
  test('equals the sum of its bytes, for UDP, TCP and ICMP of any length', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(PROTO.udp, PROTO.tcp, PROTO.icmp),
        fc.uint8Array({ minLength: 0, maxLength: 300 }),
        (proto, payload) => {
          const { view, at, end } = frame(proto, payload);
          const known = innerSum(view, at, end);
          expect(known).not.toBe(UNKNOWN_SUM);
          expect(value(known)).toBe(value(sum(view, at, end)));
        },
      ),
    );
  });

  test('is unknown for fragments, options, padding, UDP without a checksum, other protocols, ARP, short frames', () => {
    const payload = new Uint8Array(40).fill(5);
    const spoilt: ((view: DataView, at: number) => void)[] = [
      (view, at) => view.setUint16(at + 20, 0x2000),
      (view, at) => view.setUint8(at + 14, 0x46),
      (view, at) => view.setUint16(at + 16, 50),
      (view, at) => view.setUint16(at + 40, 0),
      (view, at) => view.setUint8(at + 23, 47),
      (view, at) => view.setUint16(at + 12, ETHERTYPE.arp),
    ];
    for (const spoil of spoilt) {
      const { view, at, end } = frame(PROTO.udp, payload);
      spoil(view, at);
      expect(innerSum(view, at, end)).toBe(UNKNOWN_SUM);
    }
    const { view, at } = frame(PROTO.udp, payload);
    expect(innerSum(view, at, at + 30)).toBe(UNKNOWN_SUM);
  });
});
