// An eavesdropper on what a test plays, or on a capture of fixtures/captures.

import type { EavesdropOptions } from '../../../src/core/eavesdrop/eavesdropper.ts';
import { Eavesdropper } from '../../../src/core/eavesdrop/eavesdropper.ts';
import type { Reading } from '../../../src/core/eavesdrop/reading.ts';
import type { Conversation, EavesdropReport } from '../../../src/core/eavesdrop/report.ts';
import { AnyReader, readAll } from '../../../src/core/pcap/reader.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { NODE_INFLATE } from '../../../src/live/node-inflate.ts';
import { captureBytes } from '../../support/captures.ts';
import type { Parcel } from '../streams/wire.ts';
import { Dialogue, Tap } from '../streams/wire.ts';

export interface Overheard {
  readonly report: EavesdropReport;
  /** By number less one. */
  readonly packets: readonly Uint8Array[];
}

/** What is read of these packets. */
export function overhear(parcels: readonly Parcel[], options: EavesdropOptions = {}): Overheard {
  const ear = new Eavesdropper({ inflate: NODE_INFLATE, ...options });
  const tap = new Tap((sight, meta) => ear.observe(sight, meta));
  tap.send(...parcels);
  ear.end();
  return { report: ear.report(), packets: tap.packets };
}

/** What is read of a capture file's bytes. @param sight with keys, if there are any */
export function overhearFile(
  file: Uint8Array,
  options: EavesdropOptions = {},
  sight: Sight = new Sight(),
): Overheard {
  const ear = new Eavesdropper({ inflate: NODE_INFLATE, ...options });
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    ear.observe(sight, meta);
  });
  reader.push(file);
  reader.end();
  ear.end();
  return { report: ear.report(), packets: readAll(file).packets.map(({ bytes }) => bytes) };
}

export function overhearCapture(name: string, options: EavesdropOptions = {}): Overheard {
  return overhearFile(captureBytes(name), options);
}

/** `> POST /login`: a turn of the client; `< 200 OK`: of the server. */
export type Turn = readonly [who: '>' | '<', what: string | Uint8Array];

/** The packets of a conversation, from SYN to FIN. */
export function played(port: number, turns: readonly Turn[], size = 1448, vni: number | null = 42): Parcel[] {
  const one = new Dialogue(port, { vni });
  const said = one.opened();
  for (const [who, what] of turns)
    said.push(...(who === '>' ? one.says(what, size) : one.answers(what, size)));
  return [...said, ...one.closed()];
}

/** The one conversation that was heard. */
export function only({ report }: Overheard): Conversation {
  const [one, ...more] = report.conversations;
  if (one === undefined || more.length > 0) throw new Error(`${report.conversations.length} conversations`);
  return one;
}

/** `> secret Basic credentials: alice / S3cr3t`, one line each. */
export function lines(readings: readonly Reading[]): string[] {
  return readings.map(({ fromClient, kind, what, text, secret }) => {
    const both = [text, secret].filter((part) => part !== '').join(' / ');
    return `${fromClient ? '>' : '<'} ${kind} ${what}: ${both}`;
  });
}

/** The bytes at a reading's place, as far as its first packet has them. */
export function bytesAt({ packets }: Overheard, { place, length }: Reading): string {
  if (place.within !== 'packet') throw new Error(`in a ${place.within}`);
  const packet = packets[place.packet - 1] as Uint8Array;
  return Buffer.from(packet.subarray(place.offset, place.offset + length)).toString('latin1');
}

/** Bytes that look like noise. */
export function noise(n: number, seed = 1): Uint8Array {
  let x = seed;
  return Uint8Array.from({ length: n }, () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
    return x >>> 24;
  });
}
