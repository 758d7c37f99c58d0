// Targets about what writes captures: every editor takes any packet, and what it writes is a whole file again.

import { createCipheriv } from 'node:crypto';
import { Anonymizer } from '../../src/core/edit/anonymize/anonymize.ts';
import { Correlator } from '../../src/core/edit/correlate/correlate.ts';
import { Decap } from '../../src/core/edit/decap.ts';
import type { Editor } from '../../src/core/edit/editor.ts';
import { Encap } from '../../src/core/edit/encap.ts';
import { Outlet } from '../../src/core/edit/outlet.ts';
import { Rewrite } from '../../src/core/edit/rewrite/rewrite.ts';
import { SplitGroups } from '../../src/core/edit/split.ts';
import type { Packet } from '../../src/core/pcap/reader.ts';
import { readAll } from '../../src/core/pcap/reader.ts';
import type { CaptureReader } from '../../src/core/pcap/record.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import type { Input, Scene, ScenePacket } from './input.ts';
import { linkTypes } from './input.ts';
import { joined } from './mutator.ts';
import type { Target } from './target.ts';
import { eachSight, hashOf, must } from './target.ts';

type Make = (outlet: Outlet, source: CaptureReader) => Editor;

const [V4, W4, V6, W6] = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'].map(parseIp) as [
  number,
  number,
  ReturnType<typeof parseIp>,
  ReturnType<typeof parseIp>,
];

const REWRITES = {
  vnis: [
    [1, 2],
    [42, 7],
    [4097, 1],
    [0, 3],
  ],
  ports: [
    [4789, 8472],
    [8472, 4789],
  ],
  vteps: [
    [0xc000_020b, V4],
    [0xc000_020c, W4],
    [0xc000_0201, 0x0a0a_0a0a],
  ],
  innerIps: [
    [0x0a00_0102, 0x0b00_0102],
    [0x0a00_0302, 0x7f00_0001],
  ],
  innerMacs: [[0x0242_0a00_0302, 2]],
  outerMacs: [[0x0200_0000_0001, 5]],
} as const;

const MAKES: readonly Make[] = [
  (outlet, source) => new Decap(outlet, source, {}),
  (outlet, source) => new Decap(outlet, source, { innermost: true, keepOthers: true }),
  (outlet, source) => new Decap(outlet, source, { vnis: new Set([1, 42, 4097]), depth: 1, keepOthers: true }),
  (outlet, source) => new Rewrite(outlet, source, REWRITES),
  (outlet, source) => new Rewrite(outlet, source, { ...REWRITES, checksums: 'fix' }),
  (outlet, source) =>
    new Encap(outlet, source, { vni: 9, src: V4, dst: W4, dscp: 'inherit', vlan: { vid: 5 } }),
  (outlet, source) => new Encap(outlet, source, { vni: 9, src: V6, dst: W6, gpe: true, ecn: 'linux' }),
];

interface Made {
  readonly packets: readonly Packet[];
  readonly outlet: Outlet;
}

/** What an editor makes of a scene: a whole file. */
function made(scene: Scene, make: Make): Made {
  const chunks: Uint8Array[] = [];
  const outlet = new Outlet((bytes) => chunks.push(bytes.slice()), 'pcapng');
  const interfaces = linkTypes(scene).map((linkType) => ({
    linkType,
    name: '',
    description: '',
    comments: [],
  }));
  const editor = make(outlet, { format: 'pcapng', interfaces } as unknown as CaptureReader);
  eachSight(scene, (sight, { view, start, end, meta }) => editor.packet(sight, meta, view, start, end));
  editor.end();
  outlet.flush();
  for (const [name, count] of Object.entries(editor.counts()))
    must(Number.isInteger(count), 'a count is one', name);
  const { packets, cutShort } = readAll(joined(...chunks));
  must(cutShort === null, 'what was written can be read', cutShort?.reason);
  must(packets.length === outlet.packets, 'every packet written is there', packets.length);
  return { packets, outlet };
}

const edit: Target = {
  name: 'edit',
  takes: 'scene',
  broad: true,
  run(input: Input): void {
    const scene = input as Scene;
    const which = scene.packets.length === 0 ? 0 : hashOf(scene.packets[0] as ScenePacket);
    made(scene, MAKES[which % MAKES.length] as Make);
    comesBack(scene, which);
  },
};

/** What goes into a tunnel comes out of it. */
function comesBack(scene: Scene, which: number): void {
  const frames = scene.packets.filter(({ linkType, bytes, original }) => {
    return linkType === 1 && bytes.length > 0 && original >= bytes.length && original < 0xff00;
  });
  if (frames.length === 0) return;
  const tunnel = which & 1 ? { src: V4, dst: W4 } : { src: V6, dst: W6 };
  const inside = made({ ...scene, walk: 'default', packets: frames }, (outlet, source) => {
    return new Encap(outlet, source, { vni: 77, ...tunnel });
  });
  const again: ScenePacket[] = inside.packets.map((packet) => ({
    bytes: packet.bytes,
    linkType: packet.linkType,
    original: packet.originalLength,
    seconds: 1,
    nanos: 0,
  }));
  const { packets } = made({ kind: 'scene', walk: 'default', packets: again }, (outlet, source) => {
    return new Decap(outlet, source, {});
  });
  must(
    packets.length === frames.length,
    'as many frames come out as went in',
    `${packets.length} of ${frames.length}`,
  );
  packets.forEach(({ bytes, originalLength }, i) => {
    const { bytes: was, original } = frames[i] as ScenePacket;
    must(
      Buffer.compare(bytes, was) === 0,
      'the frame comes out as it went in',
      Buffer.from(was).toString('hex'),
    );
    must(originalLength === original, 'and as long as it was', `${originalLength} ${original}`);
  });
}

const PAD = new Uint8Array(16).fill(7);
const PAYLOADS = ['zero', 'cut', 'keep'] as const;

const anonymize: Target = {
  name: 'anonymize',
  takes: 'scene',
  broad: true,
  run(input: Input): void {
    const scene = input as Scene;
    const cipher = createCipheriv('aes-128-ecb', PAD, null).setAutoPadding(false);
    const anonymizers = PAYLOADS.map((payload, i) => {
      return new Anonymizer((blocks) => cipher.update(blocks), PAD, { payload, vni: i > 0, keepOui: i > 1 });
    });
    eachSight(scene, (sight, { view, start, end, packet }) => {
      const before = hashOf(packet);
      const one = anonymizers[before % 3] as Anonymizer;
      const last = one.take(view, sight.own.d);
      must(last >= start && last <= end, 'the copy ends inside the packet', `${last} of ${end}`);
      must(one.view.byteLength >= last, 'the copy has its bytes');
      const bytes = new Uint8Array(view.buffer, start, end - start);
      must(Buffer.compare(bytes, packet.bytes) === 0, 'the packet itself stays as it is');
    });
  },
};

/** Groups have names that a file can have; frames at two taps are followed, and every packet is counted once. */
const follow: Target = {
  name: 'follow',
  takes: 'scene',
  broad: true,
  run(input: Input): void {
    const scene = input as Scene;
    const splits = (['vni', 'tunnel', 'vtep'] as const).map((by) => new SplitGroups(by, 20, 7));
    const followed: number[] = [];
    const correlator = new Correlator({ most: 500, each: ({ steps }) => followed.push(steps.length) });
    const taps = [correlator.file(), correlator.file()].map((file) => correlator.tap(file));
    let packets = 0;
    eachSight(scene, (sight, { meta }) => {
      for (const groups of splits) {
        const name = groups.name(groups.of(sight));
        must(/^[a-z0-9.-]+$/.test(name), 'a group has a name for a file', name);
      }
      for (const tap of taps) correlator.packet(tap, sight, meta);
      packets++;
    });
    const { taps: seen, frames } = correlator.finish();
    must(
      seen.every((tap) => tap.packets === packets),
      'every packet was counted',
      packets,
    );
    must(frames === followed.length, 'every frame was told of once', `${frames} ${followed.length}`);
  },
};

export const EDIT_TARGETS: readonly Target[] = [edit, anonymize, follow];
