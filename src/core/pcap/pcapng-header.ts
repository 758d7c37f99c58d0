// The two pcapng blocks that describe where packets come from: section header and interface description
// (draft-ietf-opsawg-pcapng s.4.1, s.4.2). Cold path; the reader has checked all lengths before.

import {
  firstOption,
  IF_DESCRIPTION,
  IF_FCSLEN,
  IF_FILTER,
  IF_HARDWARE,
  IF_NAME,
  IF_OS,
  IF_TSOFFSET,
  IF_TSRESOL,
  nextOption,
  OPT_COMMENT,
  optionTexts,
  SHB_HARDWARE,
  SHB_OS,
  SHB_USERAPPL,
} from './pcapng-options.ts';
import type { CaptureInterface, CaptureSection } from './record.ts';
import { decodeUtf8 } from './utf8.ts';

/** The section header's options, which stand in [start, end). */
export function readSection(view: DataView, start: number, end: number, little: boolean): CaptureSection {
  const text = (code: number): string => optionTexts(view, start, end, little, code)[0] ?? '';
  return {
    littleEndian: little,
    hardware: text(SHB_HARDWARE),
    os: text(SHB_OS),
    application: text(SHB_USERAPPL),
    comments: optionTexts(view, start, end, little, OPT_COMMENT),
  };
}

/** The body of an interface description: link type(2) reserved(2) snaplen(4) options. */
export function readInterface(
  view: DataView,
  at: number,
  end: number,
  little: boolean,
  section: number,
): CaptureInterface {
  const start = at + 8;
  const text = (code: number): string => optionTexts(view, start, end, little, code)[0] ?? '';
  let resolution: CaptureInterface['resolution'] = { base: 10, exponent: 6 };
  let offsetSeconds = 0n;
  let fcsLength = 0;
  let filter = '';
  for (let o = firstOption(view, start, end, little); o >= 0; o = nextOption(view, o, end, little)) {
    const code = view.getUint16(o, little);
    const length = view.getUint16(o + 2, little);
    if (code === IF_TSRESOL && length >= 1) resolution = resolutionOf(view.getUint8(o + 4));
    else if (code === IF_TSOFFSET && length >= 8) offsetSeconds = view.getBigInt64(o + 4, little);
    else if (code === IF_FCSLEN && length >= 1) fcsLength = fcsBytes(view.getUint8(o + 4));
    // The first byte tells the kind of filter; 0 is libpcap's text.
    else if (code === IF_FILTER && length >= 1 && view.getUint8(o + 4) === 0) {
      filter = decodeUtf8(view, o + 5, o + 4 + length);
    }
  }
  return {
    section,
    linkType: view.getUint16(at, little),
    snapLength: view.getUint32(at + 4, little),
    name: text(IF_NAME),
    description: text(IF_DESCRIPTION),
    filter,
    hardware: text(IF_HARDWARE),
    os: text(IF_OS),
    comments: optionTexts(view, start, end, little, OPT_COMMENT),
    resolution,
    offsetSeconds,
    fcsLength,
  };
}

/** if_tsresol: the top bit tells the base, the others the exponent. */
function resolutionOf(value: number): CaptureInterface['resolution'] {
  return { base: (value & 0x80) === 0 ? 10 : 2, exponent: value & 0x7f };
}

/** The draft says "bits" and gives 4 as its example; both kinds are found. No real sequence has 16 bytes. */
function fcsBytes(value: number): number {
  return value >= 16 ? value >> 3 : value;
}
