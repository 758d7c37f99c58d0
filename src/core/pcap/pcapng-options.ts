// The option lists of pcapng blocks (draft-ietf-opsawg-pcapng s.3.5).
//
//   code(2) length(2) value(length, padded to 4)  ...  0 0
//
// The end mark may be missing: the block then ends the list. An option that runs past its block is a fault.

import type { PacketMeta } from './record.ts';
import { decodeUtf8 } from './utf8.ts';

const OPT_END = 0;
export const OPT_COMMENT = 1;
export const SHB_HARDWARE = 2;
export const SHB_OS = 3;
export const SHB_USERAPPL = 4;
export const IF_NAME = 2;
export const IF_DESCRIPTION = 3;
export const IF_TSRESOL = 9;
export const IF_FILTER = 11;
export const IF_OS = 12;
export const IF_FCSLEN = 13;
export const IF_TSOFFSET = 14;
export const IF_HARDWARE = 15;
export const EPB_FLAGS = 2;
export const ISB_STARTTIME = 2;
export const ISB_ENDTIME = 3;
export const ISB_IFRECV = 4;
export const ISB_IFDROP = 5;

/**
 * Where the option after the one at `at` begins, or -1 at the list's end. Only on a list that `brokenOption` let pass.
 */
export function nextOption(view: DataView, at: number, end: number, little: boolean): number {
  const next = at + 4 + ((view.getUint16(at + 2, little) + 3) & ~3);
  return next + 4 > end || view.getUint16(next, little) === OPT_END ? -1 : next;
}

/** Where the first option begins, or -1 when there is none. */
export function firstOption(view: DataView, at: number, end: number, little: boolean): number {
  return at + 4 > end || view.getUint16(at, little) === OPT_END ? -1 : at;
}

/** Where an option runs past the end of its block, or -1 when none does. */
export function brokenOption(view: DataView, start: number, end: number, little: boolean): number {
  let at = start;
  while (at + 4 <= end) {
    if (view.getUint16(at, little) === OPT_END) return -1;
    const next = at + 4 + ((view.getUint16(at + 2, little) + 3) & ~3);
    if (next > end) return at;
    at = next;
  }
  return -1;
}

/** The text of the option at `at`. Some programs end it with a zero byte, which is left away. */
function optionText(view: DataView, at: number, little: boolean): string {
  const start = at + 4;
  let end = start + view.getUint16(at + 2, little);
  while (end > start && view.getUint8(end - 1) === 0) end--;
  return decodeUtf8(view, start, end);
}

/** Every text option with this code, in order; an empty list when there is none. */
export function optionTexts(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
  code: number,
): string[] {
  const texts: string[] = [];
  for (let at = firstOption(view, start, end, little); at >= 0; at = nextOption(view, at, end, little)) {
    if (view.getUint16(at, little) === code) texts.push(optionText(view, at, little));
  }
  return texts;
}

/** The comments of the packet that a sink is being handed; most packets have none. */
export function packetComments(view: DataView, meta: PacketMeta): string[] {
  return optionTexts(view, meta.optionsStart, meta.optionsEnd, meta.littleEndian, OPT_COMMENT);
}
