import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SecurityAssociation } from '../../../src/core/esp/association.ts';
import type { EspKey } from '../../../src/core/esp/key.ts';
import { keyOf } from '../../../src/core/esp/key.ts';
import { Opener } from '../../../src/core/esp/opener.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import * as vxlan from '../../../src/core/wire/vxlan.ts';
import { NODE_CIPHER } from '../../../src/live/node-cipher.ts';
import { hex, toHex } from '../../support/bytes.ts';
import { DOCKER_LIKE, sealed } from '../../support/esp.ts';
import { tries } from '../../support/properties.ts';
import { carried, ethernet, ip4, join, payload, see, tunnelled, udp4 } from '../reassembly/cut.ts';

const ESP = 50;
const INNER = ethernet(0x800, ip4(udp4(1000, 2000, payload(100))));
const TUNNELLED = tunnelled(INNER, 4097);

function sightWith(...keys: readonly EspKey[]): Sight {
  return new Sight(undefined, {}, new Opener(keys, NODE_CIPHER));
}

function packet(esp: Uint8Array, ip = {}): Uint8Array {
  return ethernet(0x800, ip4(esp, { protocol: ESP, ...ip }));
}

/** What the innermost VXLAN header carries, or null. */
function innerFrame(sight: Sight): Uint8Array | null {
  const { d } = sight.last;
  return d.innerVxlan < 0 ? null : carried(sight.last, d.innerVxlan);
}

describe("packets that Scapy's IPsec layer built are opened to the frame that it was given", () => {
  // scapy 2.5.0: SecurityAssociation(ESP, spi, crypt_algo='AES-GCM', crypt_key=00..0f 5639e44a), a ping of 10.0.1.2 in VNI 4097.
  const key = { key: hex('000102030405060708090a0b0c0d0e0f'), salt: hex('5639e44a') };
  const FRAME =
    '02420a000103 02420a000102 0800 450000270001000040 0164d1 0a000102 0a000103 0800662f00010001 68656c6c6f20776f726c64';
  test.each([
    [
      'IPv4, ICV of 8',
      { ...key, src: parseIp('192.0.2.11'), dst: parseIp('192.0.2.12'), spi: 0x5639e452, icvLength: 8 },
      '0200000000020200000000010800 45000074000100004032f63fc000020bc000020c 5639e45200000001 7fc8c15a8fa88dc8 41c42377ec4e6e0711374c04cc28cd82f3fdbc7aa68897c16c4dbeb57627bf763ad0928644adfcff7b09af485e032ff53502d7c761b575a24d6840b2d452f19748619fc8c1262950 c734e7390c8394b5',
    ],
    [
      'IPv6, ICV of 8',
      { ...key, src: parseIp('2001:db8::11'), dst: parseIp('2001:db8::12'), spi: 0x5639e452, icvLength: 8 },
      '02000000000202000000000186dd 6000000000603240 20010db8000000000000000000000011 20010db8000000000000000000000012 5639e45200000002 082ddacf067aac90 c4db7d4573cb423994d79bcc72cc142d25e449e84e54eb74e2bd90681221be33f95cfde3df8b64b2edb843da7468490ce17422c4f28ddfdfff6713267a8f00e7c8b81a773624bc77 8ab2785931cfcff7',
    ],
    [
      'IPv4, ICV of 16',
      { ...key, src: parseIp('192.0.2.11'), dst: parseIp('192.0.2.12'), spi: 0x5639e45a, icvLength: 16 },
      '0200000000020200000000010800 4500007c000100004032f637c000020bc000020c 5639e45a00000001 f818bd2bb026e771 370e06cadac22ee5e2062cdcd70a2939525505537b0447b3f87d4fa54c59e1c6a6a915d94199f484428f2bda9c73df726bb3486336e30cc28a2e531c59eebd7de6888f60fb911764 9150c4caddf5f42ff6c53915ab06ee63',
    ],
  ] as const)('%s', (_, association, text) => {
    const sight = sightWith(keyOf(association));
    see(sight, hex(text));
    expect(toHex(innerFrame(sight) ?? new Uint8Array())).toBe(toHex(hex(FRAME)));
    expect(sight.opener?.counts.opened).toBe(1);
  });
});

describe('which packets are opened', () => {
  const esp = sealed(TUNNELLED, DOCKER_LIKE, 7);

  test.each([16, 24, 32] as const)('keys of %i bytes, and every length of ICV', (length) => {
    for (const icvLength of [8, 12, 16] as const) {
      const association = { ...DOCKER_LIKE, key: payload(length), icvLength };
      const sight = sightWith(keyOf(association));
      see(sight, packet(sealed(TUNNELLED, association, 1)));
      expect(innerFrame(sight)).toEqual(INNER);
      expect(sight.last.d.icvLength).toBe(icvLength);
    }
  });

  test('the capture itself stays as it is', () => {
    const bytes = packet(esp);
    const before = bytes.slice();
    const sight = sightWith(keyOf(DOCKER_LIKE));
    see(sight, bytes);
    expect(bytes).toEqual(before);
    expect(carried(sight.own, 2)).toEqual(esp.subarray(8));
  });

  test('without a key for its SPI or its addresses it stays closed', () => {
    for (const other of [
      { spi: 0x5639e44b },
      { src: 0xc0000203 },
      { dst: 0xc0000203 },
      { src: 0xc0000202, dst: 0xc0000201 },
    ]) {
      const sight = sightWith(keyOf({ ...DOCKER_LIKE, ...other }));
      see(sight, packet(esp));
      expect([sight.parts.length, sight.opener?.counts.withoutKey]).toEqual([1, 1]);
    }
  });

  test.each([
    ['another key', { key: new Uint8Array(16) }],
    ['another salt', { salt: new Uint8Array(4) }],
    ['another length of ICV', { icvLength: 12 as const }],
  ])('%s does not open it', (_, other) => {
    const sight = sightWith(keyOf({ ...DOCKER_LIKE, ...other }));
    see(sight, packet(esp));
    expect([sight.parts.length, sight.opener?.counts.refused]).toEqual([1, 1]);
  });

  test('of several keys for it the one that fits counts, wherever it stands', () => {
    const wrong = keyOf({ ...DOCKER_LIKE, key: new Uint8Array(16) });
    const right = keyOf(DOCKER_LIKE);
    for (const keys of [
      [wrong, right],
      [right, wrong],
      [wrong, { ...right, spi: 0, spiMask: 0, src: null, dst: null }],
    ]) {
      const sight = sightWith(...keys);
      see(sight, packet(esp));
      expect(innerFrame(sight)).toEqual(INNER);
      expect(sight.opener?.counts).toEqual({ packets: 1, opened: 1, withoutKey: 0, refused: 0, notWhole: 0 });
    }
  });

  test('a pattern for addresses takes what it says', () => {
    const key = { ...keyOf(DOCKER_LIKE), src: { bytes: hex('c0000200'), mask: hex('ffffff00') } };
    const sight = sightWith(key);
    see(sight, packet(esp));
    expect(sight.parts).toHaveLength(2);
    see(sight, packet(esp, { src: 0xc0000301 }));
    expect(sight.parts).toHaveLength(1);
  });

  test('extended sequence numbers', () => {
    const long = sealed(TUNNELLED, DOCKER_LIKE, 7, { high: 3 });
    for (const [high, opens] of [
      [3, true],
      [2, false],
      [-1, false],
    ] as const) {
      const sight = sightWith({ ...keyOf(DOCKER_LIKE), sequenceHigh: high });
      see(sight, packet(long));
      expect(sight.parts.length > 1).toBe(opens);
    }
  });

  test('every flipped bit keeps it closed, and is counted', () => {
    const sight = sightWith(keyOf(DOCKER_LIKE));
    // Not the SPI: another SPI has no key.
    for (let bit = 32; bit < esp.length * 8; bit++) {
      const flipped = esp.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      see(sight, packet(flipped));
      expect(sight.parts).toHaveLength(1);
    }
    expect(sight.opener?.counts).toMatchObject({ opened: 0, refused: esp.length * 8 - 32 });
  });

  test('every truncation keeps it closed: cut by the capture, or sent so short', () => {
    const whole = packet(esp);
    for (let length = 0; length < esp.length; length++) {
      const sight = sightWith(keyOf(DOCKER_LIKE));
      see(sight, whole.subarray(0, 34 + length), 1, 0, whole.length);
      expect(sight.parts).toHaveLength(1);
      see(sight, packet(esp.subarray(0, length)), 2);
      expect(sight.parts).toHaveLength(1);
      if (length < 8) expect(sight.own.d.firstFault).toBeGreaterThan(0);
      expect(sight.opener?.counts).toMatchObject({ packets: 2, opened: 0 });
    }
  });

  test('a pad length that is more than there is keeps it closed although the ICV is right', () => {
    const two = Uint8Array.of(1, 2);
    for (const [padLength, opens] of [
      [2, true],
      [3, false],
      [255, false],
    ] as const) {
      const sight = sightWith(keyOf(DOCKER_LIKE));
      see(sight, packet(sealed(two, DOCKER_LIKE, 1, { padding: 0, trailer: [padLength, 17] })));
      expect([sight.isOpened, sight.opener?.counts.refused]).toEqual([opens, opens ? 0 : 1]);
    }
  });

  test('what was captured twice is opened twice', () => {
    const sight = sightWith(keyOf(DOCKER_LIKE));
    for (const number of [1, 2]) {
      see(sight, packet(esp), number);
      expect(innerFrame(sight)).toEqual(INNER);
    }
  });

  test('ESP that an ICMP error quotes is nobody to open', () => {
    const quoting = ethernet(
      0x800,
      ip4(join('03 04 0000 0000 05dc', ip4(esp, { protocol: ESP })), { protocol: 1 }),
    );
    const sight = sightWith(keyOf(DOCKER_LIKE));
    see(sight, quoting);
    expect([sight.parts.length, sight.opener?.counts.packets]).toEqual([1, 0]);
  });
});

describe('what is inside', () => {
  const opened = (esp: Uint8Array): Sight => {
    const sight = sightWith(keyOf(DOCKER_LIKE));
    see(sight, packet(esp));
    return sight;
  };

  test('transport mode: the tunnel stays as deep as it is in the clear', () => {
    const { d, view } = opened(sealed(TUNNELLED, DOCKER_LIKE, 1)).last;
    expect(vxlan.vni(view, d.start(d.vxlan))).toBe(4097);
    expect([d.depth(d.vxlan), d.firstFault]).toEqual([0, -1]);
  });

  test('tunnel mode: a whole IP packet, one tunnel deeper', () => {
    const inside = ip4(TUNNELLED, { src: 0x0a000001, dst: 0x0a000002 });
    const sight = opened(sealed(inside, DOCKER_LIKE, 1, { next: 4 }));
    expect(innerFrame(sight)).toEqual(INNER);
    expect(sight.last.d.depth(sight.last.d.vxlan)).toBe(1);
  });

  test('padding of any length is nobody else', () => {
    for (const padding of [0, 1, 2, 3, 17, 255]) {
      const { last } = opened(sealed(TUNNELLED, DOCKER_LIKE, 1, { padding }));
      const { d } = last;
      expect(carried(last, 2)).toEqual(TUNNELLED);
      expect([d.icvLength, d.firstFault]).toEqual([8, -1]);
    }
  });

  test('a dummy packet (RFC 4303 s.2.6) and one without payload are opened to nothing', () => {
    for (const esp of [
      sealed(payload(20), DOCKER_LIKE, 1, { next: 59 }),
      sealed(new Uint8Array(0), DOCKER_LIKE, 1),
    ]) {
      const sight = opened(esp);
      expect([sight.isOpened, innerFrame(sight)]).toEqual([true, null]);
    }
  });

  test('ESP in ESP is opened layer by layer', () => {
    const outer: SecurityAssociation = { ...DOCKER_LIKE, spi: 0x1000, icvLength: 16 };
    const sight = sightWith(keyOf(outer), keyOf(DOCKER_LIKE));
    see(sight, packet(sealed(sealed(TUNNELLED, DOCKER_LIKE, 1), outer, 9, { next: ESP })));
    expect(sight.parts.map(({ opened: is }) => is)).toEqual([false, true, true]);
    expect(innerFrame(sight)).toEqual(INNER);
  });

  test('UDP around ESP (RFC 3948); IKE and keepalives on the same port stay data', () => {
    const sight = sightWith(keyOf(DOCKER_LIKE));
    const natted = (bytes: Uint8Array): Uint8Array => ethernet(0x800, ip4(udp4(4500, 4500, bytes)));
    see(sight, natted(sealed(TUNNELLED, DOCKER_LIKE, 1)));
    expect(innerFrame(sight)).toEqual(INNER);
    for (const other of [hex('ff'), join('00000000', sealed(TUNNELLED, DOCKER_LIKE, 1)), hex('112233')]) {
      see(sight, natted(other));
      expect(sight.parts).toHaveLength(1);
    }
    expect(sight.opener?.counts).toMatchObject({ packets: 1, opened: 1 });
  });
});

describe('hostile bytes', () => {
  test('random payloads with any key never throw and never open', () => {
    const sight = sightWith({ ...keyOf(DOCKER_LIKE), spiMask: 0, icvLengths: [16, 12, 8] });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        see(sight, packet(bytes));
        expect(sight.parts).toHaveLength(1);
      }),
      tries(2000),
    );
  });

  test('whatever the owner of the key seals is walked over to its end', () => {
    const sight = sightWith(keyOf(DOCKER_LIKE));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(255), fc.nat(255), (bytes, next, padding) => {
        see(sight, packet(sealed(bytes, DOCKER_LIKE, 1, { next, padding })));
        expect(sight.isOpened).toBe(true);
        const { d } = sight.last;
        for (let row = 0; row < d.count; row++) expect(d.end(row)).toBeLessThanOrEqual(d.packetEnd);
      }),
      tries(2000),
    );
  });
});
