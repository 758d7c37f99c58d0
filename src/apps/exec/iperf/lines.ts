// The lines of iperf3's reports (iperf_api.c, units.c, iperf_locale.c): intervals, sums, and what each end counted.

/** Bytes with three figures, in steps of 1024. */
export function amount(bytes: number): string {
  return `${figures(bytes, 1024)}Bytes`;
}

/** Bits a second in steps of 1000, or as -f says: kmgt for bits, KMGT for bytes. */
export function rateText(bytes: number, nanoseconds: number, format: string | null): string {
  const bytesEach = nanoseconds <= 0 ? 0 : (bytes * 1e9) / nanoseconds;
  if (format !== null && 'KMGT'.includes(format)) {
    return `${three(bytesEach / 1024 ** ('KMGT'.indexOf(format) + 1))} ${format}Bytes/sec`;
  }
  if (format !== null && 'kmgt'.includes(format)) {
    return `${three((bytesEach * 8) / 1000 ** ('kmgt'.indexOf(format) + 1))} ${format.toUpperCase()}bits/sec`;
  }
  return `${figures(bytesEach * 8, 1000)}bits/sec`;
}

/** `4.57 G`, ` 895 K`: a number of four characters or more and its prefix. */
function figures(n: number, step: number): string {
  let [value, power] = [n, 0];
  while (value >= step && power < 4) {
    value /= step;
    power++;
  }
  return `${three(value)} ${['', 'K', 'M', 'G', 'T'][power]}`;
}

/** units.c: two places below 9.995, one below 99.95, none above; four characters wide. */
function three(value: number): string {
  const text = value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
  return text.padStart(4);
}

/** Which end of a stream a line tells of, in which protocol. */
export type Kind = 'tcp-sender' | 'tcp-receiver' | 'udp-sender' | 'udp-receiver';

const RULE = '- - - - - - - - - - - - - - - - - - - - - - - - -\n';

export { RULE };

export const DASHES = '-----------------------------------------------------------\n';

const HEADS: Readonly<Record<Kind, string>> = {
  'tcp-sender': '[ ID] Interval           Transfer     Bitrate         Retr  Cwnd\n',
  'tcp-receiver': '[ ID] Interval           Transfer     Bitrate\n',
  'udp-sender': '[ ID] Interval           Transfer     Bitrate         Total Datagrams\n',
  'udp-receiver': '[ ID] Interval           Transfer     Bitrate         Jitter    Lost/Total Datagrams\n',
};

export function head(kind: Kind): string {
  return HEADS[kind];
}

/** Over the summary at the end. */
export function summaryHead(udp: boolean, retransmits: boolean): string {
  if (udp) return HEADS['udp-receiver'];
  return retransmits ? '[ ID] Interval           Transfer     Bitrate         Retr\n' : HEADS['tcp-receiver'];
}

/** What one line counts, over [from, to) in nanoseconds. */
export interface Span {
  /** A stream's number; null for the sum. */
  readonly id: number | null;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  readonly retransmits?: number;
  /** Bytes. */
  readonly window?: number;
  /** Nanoseconds. */
  readonly jitter?: number;
  readonly lost?: number;
  readonly packets?: number;
}

function start(span: Span, format: string | null): string {
  const id = span.id === null ? '[SUM]' : `[${String(span.id).padStart(3)}]`;
  const [from, to] = [span.from, span.to].map((time) => (time / 1e9).toFixed(2));
  return `${id} ${(from as string).padStart(6)}-${(to as string).padEnd(5)}  sec  ${amount(span.bytes)}  ${rateText(span.bytes, span.to - span.from, format)}`;
}

/** One interval of one stream, or the sum over all. */
export function intervalLine(kind: Kind, span: Span, format: string | null): string {
  const line = start(span, format);
  if (kind === 'tcp-sender') {
    const window = span.window === undefined ? '     ' : `  ${amount(span.window)}`;
    return `${line}  ${String(span.retransmits ?? 0).padStart(3)} ${window}       \n`;
  }
  if (kind === 'tcp-receiver') return `${line}                  \n`;
  if (kind === 'udp-sender') return `${line}  ${span.packets ?? 0}  \n`;
  return `${line}  ${losses(span)}  \n`;
}

/** One end's total of one stream. @param retransmits left out where that end does not know */
export function totalLine(
  udp: boolean,
  span: Span,
  end: 'sender' | 'receiver',
  format: string | null,
): string {
  const line = start(span, format);
  if (udp) return `${line}  ${losses(span)}  ${end}\n`;
  const count =
    end === 'sender' && span.retransmits !== undefined ? String(span.retransmits).padStart(3) : '   ';
  return `${line}  ${count}             ${end}\n`;
}

function losses({ jitter = 0, lost = 0, packets = 0 }: Span): string {
  const share = packets === 0 ? 0 : (lost / packets) * 100;
  return `${(jitter / 1e6).toFixed(3)} ms  ${lost}/${packets} (${Number(share.toPrecision(2))}%)`;
}
