// Echo requests and answers as iputils prints them, and as a JSON document.

import {
  closingLines,
  errorLine,
  errorText,
  openingLine,
  replyLine,
  roundTrips,
} from '../../apps/exec/ping/lines.ts';
import { formatIp } from '../../core/wire/address.ts';
import type { PingAnswer } from '../../lab/lab.ts';

/** `vxlab.ping/1`, described in docs/schema/ping.schema.json. Times are nanoseconds. */
export interface PingDocument {
  readonly schema: 'vxlab.ping/1';
  readonly from: string;
  readonly to: string;
  readonly address: string;
  /** Bytes of payload. */
  readonly size: number;
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly elapsed: number;
  readonly rtt: {
    readonly min: number;
    readonly avg: number;
    readonly max: number;
    readonly mdev: number;
  } | null;
  readonly replies: readonly PingReplyLine[];
  readonly errors: readonly PingErrorLine[];
}

export interface PingReplyLine {
  readonly seq: number;
  readonly from: string;
  readonly ttl: number;
  readonly bytes: number;
  readonly rtt: number;
}

export interface PingErrorLine {
  readonly seq: number;
  /** Who said it; null when the sender's own stack refused. */
  readonly from: string | null;
  readonly type: number;
  readonly code: number;
  readonly mtu: number;
  readonly text: string;
}

export function pingDocument(
  answer: PingAnswer,
  given: { readonly size: number; readonly mtu: number; readonly elapsed: number },
): PingDocument {
  const six = answer.address.includes(':');
  return {
    schema: 'vxlab.ping/1',
    from: answer.from,
    to: answer.to,
    address: answer.address,
    size: given.size,
    sent: answer.sent,
    received: answer.replies.length,
    duplicates: answer.duplicates,
    elapsed: given.elapsed,
    rtt: roundTrips(answer.replies.map(({ rtt }) => rtt)),
    replies: answer.replies.map((reply) => ({ ...reply, from: formatIp(reply.from) })),
    errors: answer.errors.map((error) => ({
      seq: error.seq,
      from: error.from === null ? null : formatIp(error.from),
      type: error.type,
      code: error.code,
      mtu: error.mtu,
      text: errorText(error.from === null, error.type, error.code, error.mtu || given.mtu, six),
    })),
  };
}

export function renderPing(ping: PingDocument): string {
  const said = [
    ...ping.replies.map((reply) => ({ seq: reply.seq, text: replyLine(reply) })),
    ...ping.errors.map(({ seq, from, text }) => ({ seq, text: errorLine(seq, from, text) })),
  ].sort((x, y) => x.seq - y.seq);
  const lines = [
    openingLine(ping.to, ping.address, ping.size),
    ...said.map(({ text }) => text),
    ...closingLines({ ...ping, errors: ping.errors.length }),
  ];
  return `${lines.join('\n')}\n`;
}
