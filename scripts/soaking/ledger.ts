// The books of a soak: what each side of a counter says, compared to the packet, and memory that must not grow. A claim that does not
// hold fails the soak.

import { DROP, DROP_NAMES } from '../../src/engine/trace/drop.ts';

export interface Claim {
  readonly text: string;
  readonly holds: boolean;
  /** Both sides. */
  readonly detail: string;
}

/** Datagrams that a generator has sent so far, by what must become of them. */
export interface Sent {
  good: number;
  unknownPeer: number;
  vniNotFound: number;
  invalidHeader: number;
  ownAddress: number;
}

export const noneSent = (): Sent => ({
  good: 0,
  unknownPeer: 0,
  vniNotFound: 0,
  invalidHeader: 0,
  ownAddress: 0,
});

type Drops = Readonly<Record<string, number>>;

/** What is needed of the report of `vxlab vtep`. */
export interface Counted {
  readonly underlay: {
    readonly sent: number;
    readonly sendErrors: number;
    readonly queueFull: number;
    readonly received: number;
    readonly truncated: number;
    readonly kernelDrops: number | null;
    readonly drops: Drops;
    /** Datagrams that became part of a frame that another one began. */
    readonly trains?: { readonly joined: number };
  };
  readonly segments: readonly {
    readonly rxFrames: number;
    readonly drops: Drops;
    readonly offload: { readonly cut: number; readonly pieces: number } | null;
  }[];
}

/** Everything that was counted, read while nothing was under way. */
export interface Books {
  readonly report: Counted;
  /** Frames of the underlay's interface, as the kernel of the VTEP counts them, and those of all others on the switch. */
  readonly wire: { readonly rx: number; readonly tx: number; readonly lost: number };
  readonly others: { readonly rx: number; readonly tx: number };
  /** ICMP about VXLAN datagrams, at the VTEP's kernel. */
  readonly icmp: { readonly rx: number; readonly tx: number };
  /** The TAP device as the station's kernel and as the VTEP count it. */
  readonly tap: { readonly rx: number; readonly tx: number };
  readonly port: { readonly rx: number; readonly tx: number };
  /** Frames that came to the bridge, and from its emulated hosts. */
  readonly bridgeRx: number;
  readonly hostsRx: number;
  /** UDP datagrams that reached the station. */
  readonly station: number;
  readonly sent: Sent;
}

/** What ends a frame on its way from the VNI's door to its VTEP; other reasons end frames that the VTEP has counted. */
const BEFORE_VTEP: ReadonlySet<string> = new Set(
  [
    DROP.unknownPeer,
    DROP.ownAddress,
    DROP.entryExists,
    DROP.floodLimit,
    DROP.learnLimit,
    DROP.invalidHeader,
    DROP.invalidSourceMac,
    DROP.localMac,
    DROP.ecnError,
  ].map((reason) => DROP_NAMES[reason] as string),
);

const sum = (drops: Drops, counts = (_: string): boolean => true): number =>
  Object.entries(drops).reduce((all, [reason, n]) => (counts(reason) ? all + n : all), 0);

/** Refused at the door, by the demultiplexer and by the VNI's guard. */
export function refused({ underlay, segments }: Counted): number {
  const inside = segments.map(({ drops }) => sum(drops, (reason) => BEFORE_VTEP.has(reason)));
  return sum(underlay.drops) + inside.reduce((all, n) => all + n, 0);
}

function equal(text: string, left: number, right: number): Claim {
  return { text, holds: left === right, detail: `${left} = ${right}` };
}

/** Every identity between counters; all are to hold to the packet. */
export function claimsOf(books: Books): Claim[] {
  const { report, wire, others, icmp, tap, port, station, sent } = books;
  const { underlay, segments } = report;
  const lost = underlay.kernelDrops ?? 0;
  const frames = segments.reduce((all, { rxFrames }) => all + rxFrames, 0);
  const grown = segments.reduce((all, { offload }) => all + (offload ? offload.pieces - offload.cut : 0), 0);
  const joined = underlay.trains?.joined ?? 0;
  const reason = (name: number): number => {
    const word = DROP_NAMES[name] as string;
    return (underlay.drops[word] ?? 0) + (segments[0]?.drops[word] ?? 0);
  };
  const refusals: readonly (readonly [string, number, number])[] = [
    ['unknown peer', sent.unknownPeer, reason(DROP.unknownPeer)],
    ['VNI not found', sent.vniNotFound, reason(DROP.vniNotFound)],
    ['invalid header', sent.invalidHeader, reason(DROP.invalidHeader)],
    ['own address', sent.ownAddress, reason(DROP.ownAddress)],
  ];
  const missing = refusals.map(([, offered, counted]) => offered - counted);
  const unrefused = missing.reduce((all, n) => all + n, 0);
  const unserved = sent.good - station;
  const full = segments[0]?.drops[DROP_NAMES[DROP.queueFull] as string] ?? 0;
  return [
    equal('what the others sent reached the underlay interface', others.tx, wire.rx),
    equal('what left the underlay interface reached the others', wire.tx, others.rx),
    equal('nothing was lost on the cable', wire.lost, 0),
    equal(
      'the interface took in: ICMP, received, dropped by the kernel',
      wire.rx,
      icmp.rx + underlay.received + lost,
    ),
    equal(
      'received: refused, too long, frames of the VNI',
      underlay.received,
      refused(report) + underlay.truncated + frames - grown + joined,
    ),
    equal(
      'sent, less what the kernel would not take: what the interface sent',
      underlay.sent - underlay.sendErrors - underlay.queueFull,
      wire.tx - icmp.tx,
    ),
    equal('frames to the TAP device: what the station got', port.tx, tap.rx),
    equal('frames from the TAP device: what the station sent', port.rx, tap.tx),
    equal(
      'frames of the bridge: from the tunnel, the TAP device, the hosts',
      books.bridgeRx,
      frames + port.rx + books.hostsRx,
    ),
    {
      text: 'each refusal under its reason, but for what the kernel dropped',
      holds: missing.every((n) => n >= 0) && unrefused <= lost,
      detail: refusals.map(([name, offered, counted]) => `${name} ${counted} of ${offered}`).join(', '),
    },
    {
      text: 'the generator reached the station, but for what was dropped and counted',
      holds: unserved >= 0 && unserved + unrefused <= lost + full,
      detail: `${station} of ${sent.good}; ${lost} by the kernel, ${full} by the TAP device`,
    },
  ];
}

/** Bytes at a time, in order. */
export interface MemoryPoint {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly bytes: number;
}

const middle = (points: readonly MemoryPoint[]): number => {
  const sorted = points.map(({ bytes }) => bytes).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
};

/**
 * Whether memory is flat: the last quarter after the warm-up beside the first.
 * @param allowed growth, 0.05 for five per cent
 */
export function flat(text: string, points: readonly MemoryPoint[], warmUp: number, allowed: number): Claim {
  const counted = points.filter(({ at }) => at >= warmUp);
  const quarter = Math.max(1, Math.floor(counted.length / 4));
  const first = middle(counted.slice(0, quarter));
  const last = middle(counted.slice(-quarter));
  const growth = first === 0 ? Number.POSITIVE_INFINITY : last / first - 1;
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return {
    text: `${text} grows by less than ${allowed * 100} % after the warm-up`,
    holds: counted.length >= 2 && growth < allowed,
    detail: `${megabytes(first)} MB, ${megabytes(last)} MB: ${(growth * 100).toFixed(1)} %`,
  };
}
