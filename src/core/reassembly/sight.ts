// One packet as every tool sees it: its own rows and, when it completes a datagram that came in fragments, the rows of
// the whole datagram behind them; and when it is ESP that a key opens, the rows of what is inside.
//
// The parts are in order. Part 0 is the packet as it was captured. A further part is a datagram put together again: its
// bytes stand in a buffer of their own behind copies of the headers that were around the fragment that completed it, so that
// its Dissection has the whole chain of rows from the link layer on; rows before `from` repeat headers that earlier parts
// show already, with lengths and offsets that fit the whole. An inner datagram in fragments, in an outer one in fragments,
// makes three parts. As with tshark the packet that completes a datagram has its layers, which need not be the last fragment.
//
// A part that was opened stands in a buffer of its own likewise, and begins with its ESP row, which then knows more than the
// closed one of the part before. What was put together may be ESP, and what was opened may be a fragment.

import { Dissection } from '../dissect/layer.ts';
import type { WalkOptions } from '../dissect/ports.ts';
import { DEFAULT_WALK } from '../dissect/ports.ts';
import { dissect, resume, resumeOpened } from '../dissect/walk.ts';
import type { Opened, Opener } from '../esp/opener.ts';
import type { PacketMeta } from '../pcap/record.ts';
import type { Fragments } from './fragments.ts';
import type { ReassemblyLimits } from './limits.ts';
import { Reassembler } from './reassembler.ts';
import { rebuild } from './rebuild.ts';

/** Rows of one stretch of bytes. */
export interface Part {
  readonly view: DataView;
  readonly d: Dissection;
  /** The first row that no earlier part shows; 0 in part 0. */
  readonly from: number;
  /** Numbers of the packets that brought its fragments, in the order of their offsets; empty where none were put together. */
  readonly packets: readonly number[];
  /** True when it is an ESP packet that was opened with its key. */
  readonly opened: boolean;
}

interface Room {
  view: DataView;
  readonly d: Dissection;
  from: number;
  packets: readonly number[];
  opened: boolean;
}

const NONE: readonly number[] = [];

function room(): Room {
  return {
    view: new DataView(new ArrayBuffer(0)),
    d: new Dissection(),
    from: 0,
    packets: NONE,
    opened: false,
  };
}

/** Reused for every packet: what it holds is good until the next `read`. */
export class Sight {
  /** What was counted and how much is in progress. */
  readonly reassembler: Reassembler;
  /** What opens ESP, and counts; null without keys. */
  readonly opener: Opener | null;
  readonly #options: WalkOptions;
  readonly #own: Room = room();
  /** All parts that ever were needed at once, to be filled again. */
  readonly #rooms: Room[] = [this.#own];
  readonly #parts: Part[] = [this.#own];

  /** @throws VxlabError BAD_LIMIT */
  constructor(
    options: WalkOptions = DEFAULT_WALK,
    limits: Partial<ReassemblyLimits> = {},
    opener: Opener | null = null,
  ) {
    this.#options = options;
    this.reassembler = new Reassembler(limits);
    this.opener = opener;
  }

  /** Walks over the packet in [start, end) of the view, over the datagrams that it completes and what it opens. Never throws. */
  read(view: DataView, start: number, end: number, meta: PacketMeta): void {
    const own = this.#own;
    own.view = view;
    if (this.#parts.length > 1) this.#parts.length = 1;
    dissect(view, start, end, meta.linkType, own.d, this.#options, meta.originalLength);
    if (own.d.fragment >= 0 || this.opener !== null) this.#gather(meta);
  }

  /** All parts, the packet's own first; at least one. */
  get parts(): readonly Part[] {
    return this.#parts;
  }

  /** The packet as it was captured. */
  get own(): Part {
    return this.#own;
  }

  /** The part that sees deepest: its rows go from the link layer to the innermost one. */
  get last(): Part {
    return this.#parts[this.#parts.length - 1] as Part;
  }

  /** True when a part was put together from fragments: no packet was as long as it. */
  get isJoined(): boolean {
    return this.#parts.length > 1 && this.#parts.some(({ packets }) => packets.length > 0);
  }

  /** True when a part was opened with a key: not everybody on the way can see inside. */
  get isOpened(): boolean {
    return this.#parts.length > 1 && this.#parts.some(({ opened }) => opened);
  }

  /** Each part's fragment, or ESP row, is a row further in than that of the one before it, so this ends. */
  #gather(meta: PacketMeta): void {
    let part: Part = this.#own;
    for (;;) {
      if (part.d.fragment >= 0) {
        const datagram = this.reassembler.offer(part.view, part.d, meta);
        if (datagram === null) return;
        part = this.#joined(part, datagram);
      } else {
        const opened = this.opener === null ? null : this.opener.open(part.view, part.d);
        if (opened === null) return;
        part = this.#opened(part, opened);
      }
      this.#parts.push(part);
    }
  }

  #joined(before: Part, datagram: Fragments): Part {
    const { d } = before;
    const part = this.#room();
    part.view = rebuild(before.view, d, datagram);
    part.from = d.fragment + 1;
    part.packets = datagram.packets;
    part.opened = false;
    resume(part.view, part.view.byteLength, d, d.fragment, part.d, this.#options);
    return part;
  }

  #opened({ d }: Part, { view, icvLength }: Opened): Part {
    const part = this.#room();
    part.view = view;
    part.from = d.count - 1;
    part.packets = NONE;
    part.opened = true;
    resumeOpened(view, view.byteLength, d, part.from, icvLength, part.d, this.#options);
    return part;
  }

  /** Where the next part goes. */
  #room(): Room {
    const index = this.#parts.length;
    const made = this.#rooms[index] ?? room();
    this.#rooms[index] = made;
    return made;
  }
}
