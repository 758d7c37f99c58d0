import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { Dissection, L, LAYERS_MAX, reportFault } from '../../../src/core/dissect/layer.ts';
import { dissect, LINK_TYPE } from '../../../src/core/dissect/walk.ts';
import { fieldMarks, hexdump, layerMarks } from '../../../src/core/inspect/hexdump.ts';
import { summarize } from '../../../src/core/inspect/summary.ts';
import { protocols, tree } from '../../../src/core/inspect/tree.ts';
import type { Packet } from '../../../src/core/pcap/index.ts';
import { viewOf } from '../../support/bytes.ts';
import { packetsOf } from '../../support/columns.ts';

const LINK_TYPES = [...Object.values(LINK_TYPE), 147];

const CAPTURES = new URL('../../../fixtures/captures/', import.meta.url);

/** Up to `most` packets of every capture file there is. */
function someOfAll(most: number): Packet[] {
  return readdirSync(CAPTURES, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(pcap|pcapng|cap|gz)$/.test(name))
    .sort()
    .flatMap((name) => packetsOf(readFileSync(new URL(name, CAPTURES))).slice(0, most));
}

function must(ok: boolean, what: string, i = -1): void {
  if (!ok) throw new Error(`row ${i}: ${what}`);
}

/** Reads a packet in every way there is and asks what must hold for any bytes. Plain throws: `expect` is slow here. */
function holds(bytes: Uint8Array, start: number, end: number, linkType: number, original: number): void {
  const view = viewOf(bytes);
  const d = new Dissection();
  dissect(view, start, end, linkType, d, undefined, original);
  must(d.count <= LAYERS_MAX && d.at <= end, 'the walk stays within its rows and bytes');
  must(end === start || d.count > 0 || linkType === LINK_TYPE.raw, 'bytes give rows');
  for (let i = 0; i < d.count; i++) {
    must(start <= d.start(i) && d.start(i) <= d.head(i), 'starts inside the packet', i);
    must(d.head(i) <= d.end(i) && d.end(i) <= end, 'ends inside the packet', i);
    must(d.end(i) <= d.limit(i) && d.limit(i) <= start + Math.max(original, end - start), 'limit', i);
    must(d.start(i) === (i === 0 ? start : d.head(i - 1)), 'starts where the one before has its payload', i);
    if (i > 0) {
      must(d.end(i) <= d.end(i - 1) && d.depth(i) >= d.depth(i - 1), 'nests in the one before', i);
      must(!d.quoted(i - 1) || d.quoted(i), 'what is inside a quote is quoted', i);
    }
    const report = reportFault(d, i);
    must(
      report === null || (report.offset === d.start(i) - start && report.had >= 0),
      'fault has a place',
      i,
    );
    must(!/undefined|NaN/.test(report?.text ?? ''), 'fault reads well', i);
  }
  const packet = tree(view, d);
  for (const layer of packet.layers) {
    must(0 <= layer.from && layer.from <= layer.to && layer.to <= layer.end, `${layer.protocol} range`);
    must(layer.end <= packet.captured, `${layer.protocol} is inside`);
    for (const f of layer.fields) {
      must(
        layer.from <= f.from && f.from <= f.to && f.to <= packet.captured,
        `${f.name} [${f.from}, ${f.to})`,
      );
      must(!/undefined|NaN/.test(f.text), `${f.name} reads ${f.text}`);
    }
  }
  must(protocols(view, d).length >= d.count, 'every row has a name');
  must(!/undefined|NaN/.test(summarize(view, d).info), 'the summary reads well');
  hexdump(view, start, end, [...layerMarks(packet), ...fieldMarks(packet, 0)]);
}

describe('reading is total', () => {
  test('random bytes of any link type', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(...LINK_TYPES),
        fc.nat(20),
        fc.nat(100),
        (bytes, linkType, skip, more) => {
          const start = Math.min(skip, bytes.length);
          holds(bytes, start, bytes.length, linkType, bytes.length - start + more);
        },
      ),
      { numRuns: 10_000 },
    );
  });

  test('every packet of every fixture, whole and read as every other link type', () => {
    for (const packet of someOfAll(4)) {
      for (const linkType of new Set([packet.linkType, ...LINK_TYPES])) {
        holds(packet.bytes, 0, packet.bytes.length, linkType, packet.originalLength);
      }
    }
  });

  test('every truncation of one packet of every fixture', () => {
    for (const packet of someOfAll(1)) {
      const last = Math.min(packet.bytes.length, 160);
      for (let end = 0; end <= last; end++) {
        holds(packet.bytes, 0, end, packet.linkType, packet.originalLength);
        holds(packet.bytes, 0, end, packet.linkType, end);
      }
    }
  });

  test('mutations of every fixture', () => {
    const packets = someOfAll(3);
    fc.assert(
      fc.property(
        fc.nat(packets.length - 1),
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(400),
        (index, edits, cut) => {
          const packet = packets[index] as Packet;
          const bytes = packet.bytes.slice(0, 1024);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          const end = cut < 200 ? Math.min(cut, bytes.length) : bytes.length;
          holds(bytes, 0, end, packet.linkType, packet.originalLength);
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test('every byte of a doubly tunnelled packet set to what breaks most', () => {
    const packet = someOfAll(4).find((p) => {
      const d = new Dissection();
      dissect(viewOf(p.bytes), 0, p.bytes.length, p.linkType, d);
      return d.vxlan >= 0 && d.kind(d.count - 2) === L.tcp;
    }) as Packet;
    for (let at = 0; at < Math.min(packet.bytes.length, 140); at++) {
      for (const value of [0x00, 0x01, 0x45, 0x7f, 0x80, 0xff]) {
        const bytes = packet.bytes.slice();
        bytes[at] = value;
        holds(bytes, 0, bytes.length, packet.linkType, packet.originalLength);
      }
    }
  });
});
