// ESP packets that a key opens are a further part: alone, put together from fragments, and with fragments inside.

import { describe, expect, test } from 'vitest';
import { Crossing } from '../../../src/core/dissect/crossing.ts';
import { Doctor } from '../../../src/core/doctor/doctor.ts';
import { keyOf } from '../../../src/core/esp/key.ts';
import { Opener } from '../../../src/core/esp/opener.ts';
import { compileFilter } from '../../../src/core/filter/index.ts';
import { summarize } from '../../../src/core/inspect/summary.ts';
import { protocols, tree } from '../../../src/core/inspect/tree.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { overviewOf } from '../../../src/core/survey/overview.ts';
import { Survey } from '../../../src/core/survey/survey.ts';
import { NODE_CIPHER } from '../../../src/live/node-cipher.ts';
import { viewOf } from '../../support/bytes.ts';
import { DOCKER_LIKE, sealed } from '../../support/esp.ts';
import { carried, cutsAt, ethernet, ip4, ip6, join, meta, payload, see, tunnelled, udp4 } from './cut.ts';

const ESP = 50;
const KEYS = [keyOf(DOCKER_LIKE)];
const INSIDE = { src: 0x0a000102, dst: 0x0a000103 };
const INNER = ethernet(0x800, ip4(udp4(1000, 2000, payload(1398), INSIDE), INSIDE));
const PLAIN = ethernet(0x800, ip4(tunnelled(INNER, 4097)));
const CLOSED = ethernet(0x800, ip4(sealed(tunnelled(INNER, 4097), DOCKER_LIKE, 5), { protocol: ESP }));

function open(): Sight {
  return new Sight(undefined, {}, new Opener(KEYS, NODE_CIPHER));
}

function ask(sight: Sight, filter: string, number = 1): boolean {
  return compileFilter(filter).matches(sight, meta(number));
}

function colons(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

describe('parts', () => {
  test('without keys there is one part, and ESP ends it', () => {
    const sight = new Sight();
    see(sight, CLOSED);
    expect(sight.parts.map(({ view, d }) => protocols(view, d).join(':'))).toEqual(['eth:ip:esp']);
    expect([sight.isOpened, sight.isJoined, sight.opener]).toEqual([false, false, null]);
  });

  test('with keys there is a second one, from the ESP row on', () => {
    const sight = open();
    see(sight, CLOSED);
    const { view, d, from, packets, opened } = sight.last;
    expect(protocols(view, d).join(':')).toBe('eth:ip:esp:udp:vxlan:eth:ip:udp:data');
    expect([from, packets, opened]).toEqual([2, [], true]);
    expect([sight.isOpened, sight.isJoined]).toEqual([true, false]);
    expect(carried(sight.last, d.innerVxlan)).toEqual(INNER);
    // Lengths and checksums outside are those of the packet that was sent.
    expect(tree(view, d).layers.map(({ checksum }) => checksum?.status ?? '')).toEqual([
      '',
      'good',
      '',
      'good',
      '',
      '',
      'good',
      'good',
      '',
    ]);
    expect([d.packetEnd - d.packetStart, d.original, d.limit(1) - d.start(1)]).toEqual([
      CLOSED.length,
      CLOSED.length,
      CLOSED.length - 14,
    ]);
  });

  test('ESP in fragments is put together and then opened', () => {
    const esp = sealed(tunnelled(INNER, 4097), DOCKER_LIKE, 5);
    const sight = open();
    const cuts = cutsAt(esp.length, [504, 1000]);
    for (const [i, cut] of cuts.entries())
      see(sight, ethernet(0x800, ip4(esp, { protocol: ESP }, cut)), i + 1);
    expect(sight.parts.map(({ packets, opened, from }) => [packets, opened, from])).toEqual([
      [[], false, 0],
      [[1, 2, 3], false, 2],
      [[], true, 2],
    ]);
    expect(carried(sight.last, sight.last.d.innerVxlan)).toEqual(INNER);
    expect(sight.opener?.counts).toMatchObject({ packets: 1, opened: 1 });
    expect([sight.isOpened, sight.isJoined]).toEqual([true, true]);
  });

  test('over IPv6 too, behind a fragment header', () => {
    const src = { a: 0x20010db8, b: 0, c: 0, d: 1 };
    const association = { ...DOCKER_LIKE, src, dst: { ...src, d: 2 } };
    const esp = sealed(tunnelled(INNER, 4097), association, 5);
    const sight = new Sight(undefined, {}, new Opener([keyOf(association)], NODE_CIPHER));
    for (const [i, cut] of cutsAt(esp.length, [800]).entries()) {
      see(sight, ethernet(0x86dd, ip6(esp, cut, { next: ESP })), i + 1);
    }
    expect(carried(sight.last, sight.last.d.innerVxlan)).toEqual(INNER);
    expect(sight.parts).toHaveLength(3);
  });

  test('fragments inside are put together when they are opened', () => {
    const whole = udp4(1000, 2000, payload(2000));
    const sight = open();
    for (const [i, cut] of cutsAt(whole.length, [1200]).entries()) {
      const frame = ethernet(0x800, ip4(whole, {}, cut));
      const esp = sealed(tunnelled(frame, 4097), DOCKER_LIKE, i + 1);
      see(sight, ethernet(0x800, ip4(esp, { protocol: ESP })), i + 1);
    }
    expect(sight.parts.map(({ packets, opened }) => [packets, opened])).toEqual([
      [[], false],
      [[], true],
      [[1, 2], false],
    ]);
    const { d } = sight.last;
    expect(carried(sight.last, d.count - 2)).toEqual(payload(2000));
    expect(d.firstFault).toBe(-1);
  });

  test('fragments in the tunnel mode of ESP in fragments', () => {
    const whole = tunnelled(INNER, 4097);
    const sight = open();
    let number = 0;
    for (const [i, cut] of cutsAt(whole.length, [800]).entries()) {
      const esp = sealed(ip4(whole, { src: 9, dst: 10 }, cut), DOCKER_LIKE, i + 1, { next: 4 });
      for (const outer of cutsAt(esp.length, [400])) {
        see(sight, ethernet(0x800, ip4(esp, { protocol: ESP, id: 70 + i }, outer)), ++number);
      }
    }
    expect(sight.parts.map(({ packets, opened }) => [packets, opened])).toEqual([
      [[], false],
      [[3, 4], false],
      [[], true],
      [[2, 4], false],
    ]);
    expect(carried(sight.last, sight.last.d.innerVxlan)).toEqual(INNER);
  });

  test('the parts of one packet do not stay for the next', () => {
    const sight = open();
    see(sight, CLOSED, 1);
    see(sight, PLAIN, 2);
    expect([sight.parts.length, sight.isOpened, sight.last]).toEqual([1, false, sight.own]);
    see(sight, CLOSED, 3);
    expect([sight.parts.length, sight.last.packets]).toEqual([2, []]);
  });
});

describe('what is said of it', () => {
  test("the line is that of what is inside; closed, it is tshark's for ESP", () => {
    const sight = open();
    see(sight, CLOSED);
    const closed = summarize(sight.own.view, sight.own.d);
    expect([closed.protocol, closed.info]).toEqual(['ESP', 'ESP (SPI=0x5639e44a)']);
    const { source, destination, protocol, vni, length } = summarize(sight.last.view, sight.last.d);
    expect([source, destination, protocol, vni, length]).toEqual([
      '10.0.1.2',
      '10.0.1.3',
      'UDP',
      4097,
      CLOSED.length,
    ]);
  });

  test('fields of ESP, closed and opened', () => {
    const sight = open();
    see(sight, CLOSED);
    const fields = (part: (typeof sight)['last']): Record<string, string> =>
      Object.fromEntries(
        (tree(part.view, part.d).layers.find((one) => one.protocol === 'esp')?.fields ?? []).map(
          ({ name, text }) => [name, text.slice(0, 23)],
        ),
      );
    expect(Object.keys(fields(sight.own))).toEqual(['esp.spi', 'esp.sequence', 'esp.encrypted_data']);
    expect(fields(sight.last)).toMatchObject({
      'esp.spi': '0x5639e44a',
      'esp.sequence': '5',
      'esp.iv': '00:00:00:00:5a:5a:5a:5f',
      'esp.pad': '01:02',
      'esp.pad_len': '2',
      'esp.protocol': '0x11',
      'esp.icv_good': '1',
      'esp.icv_bad': '0',
      'esp.contained_data': colons(tunnelled(INNER, 4097).subarray(0, 8)),
    });
    expect(fields(sight.last)['esp.icv']).toBe(colons(CLOSED.subarray(-8)));
  });

  test('a filter sees inside, and the ESP header once', () => {
    const sight = open();
    see(sight, CLOSED);
    for (const filter of [
      'esp',
      'esp.spi == 0x5639e44a',
      'esp.pad_len == 2 && esp.protocol == 17 && esp.icv_good',
      'esp.iv == 00:00:00:00:5a:5a:5a:5f',
      'vxlan.vni == 4097',
      'inner.ip.src == 10.0.1.2',
      'outer.ip.src == 192.0.2.1',
      'outer.esp',
      'count(esp.spi) == 1',
      'frame.protocols == "eth:ethertype:ip:esp:udp:vxlan:eth:ethertype:ip:udp:data"',
    ]) {
      expect([filter, ask(sight, filter)]).toEqual([filter, true]);
    }
    for (const filter of ['esp.encrypted_data', 'inner.esp', 'esp.icv_bad == 1', 'esp.spi == 1']) {
      expect([filter, ask(sight, filter)]).toEqual([filter, false]);
    }
    const blind = new Sight();
    see(blind, CLOSED);
    expect(
      ['esp', 'esp.encrypted_data', 'vxlan', 'esp.iv', 'esp.pad_len'].map((one) => ask(blind, one)),
    ).toEqual([true, true, false, false, false]);
  });

  test('a crossing has the VTEPs of the packet around ESP', () => {
    const sight = open();
    see(sight, CLOSED);
    const crossing = new Crossing();
    expect(crossing.find(sight.last.view, sight.last.d)).toBe(true);
    expect(crossing.vni).toBe(4097);
    expect(sight.last.view.getUint32(sight.last.d.start(crossing.ip) + 12)).toBe(DOCKER_LIKE.src);
  });
});

describe('counted and examined', () => {
  const frames = [PLAIN, CLOSED, PLAIN, CLOSED, CLOSED];

  /** The overview of these frames, without what depends on their length on the wire. */
  function overview(all: readonly Uint8Array[], opener: Opener | null, plain = true): unknown {
    const survey = new Survey({ opener, plain });
    for (const [i, frame] of all.entries()) {
      survey.packet(viewOf(frame), 0, frame.length, meta(i + 1, i, frame.length));
    }
    const { vnis, flows } = overviewOf(survey);
    return {
      vxlan: survey.vxlanPackets,
      malformed: survey.malformed,
      vnis: vnis.map(({ bytes: _, ...one }) => one),
      flows,
    };
  }

  test('with keys the overview is that of the same packets in the clear', () => {
    const clear = frames.map(() => PLAIN);
    for (const plain of [true, false]) {
      expect(overview(frames, new Opener(KEYS, NODE_CIPHER), plain)).toEqual(overview(clear, null, plain));
    }
    expect(overview(frames, null)).toMatchObject({ vxlan: 2 });
  });

  test('a survey that is handed a sight reads no packet a second time', () => {
    const sight = open();
    const survey = new Survey({ seen: sight });
    for (const [i, frame] of frames.entries()) {
      const about = meta(i + 1, i, frame.length);
      sight.read(viewOf(frame), 0, frame.length, about);
      survey.packet(viewOf(frame), 0, frame.length, about);
    }
    expect([survey.vxlanPackets, sight.opener?.counts.packets]).toEqual([5, 3]);
  });

  function codes(all: readonly Uint8Array[], sight: Sight): string[] {
    const doctor = new Doctor();
    for (const [i, frame] of all.entries()) {
      see(sight, frame, i + 1, i);
      doctor.observe(sight, meta(i + 1, i, frame.length));
    }
    return doctor.findings().map(({ code, title }) => (code === 'ESP-BESIDE-PLAIN' ? title : code));
  }

  test('VXLAN in ESP is not taken for plain VXLAN beside it', () => {
    const beside = '192.0.2.1 and 192.0.2.2: 2 plain VXLAN packets (VNI 4097) beside 3 ESP packets';
    const other = ethernet(0x800, ip4(sealed(tunnelled(INNER, 4098), DOCKER_LIKE, 6), { protocol: ESP }));
    expect(codes([CLOSED, CLOSED], open()).some((one) => one.includes('beside'))).toBe(false);
    expect(codes(frames, open())).toContain(beside);
    expect(codes(frames, new Sight())).toContain(beside);
    expect(codes([PLAIN, PLAIN, CLOSED, CLOSED, other], open())).toContain(beside);
  });

  test('otherwise it is examined as in the clear', () => {
    const wrong = INNER.slice();
    wrong[wrong.length - 1] = (wrong.at(-1) as number) ^ 1;
    const plain = ethernet(0x800, ip4(tunnelled(wrong, 4097)));
    const closed = ethernet(0x800, ip4(sealed(tunnelled(wrong, 4097), DOCKER_LIKE, 6), { protocol: ESP }));
    const clear = codes([plain, plain], new Sight());
    expect(clear.length).toBeGreaterThan(0);
    expect(codes([closed, closed], open())).toEqual(clear);
  });
});

test('bytes in front of a packet and behind it are not looked at', () => {
  const sight = open();
  const padded = join(CLOSED, new Uint8Array(6));
  see(sight, padded);
  expect(carried(sight.last, sight.last.d.innerVxlan)).toEqual(INNER);
  expect(sight.last.d.packetEnd).toBe(CLOSED.length);
});
