// `iperf3 -J`: a client's report as one document, in iperf3's names. What a virtual machine has no measure of, such as the
// processor's share, is left out.

import type { IperfRequest } from './arguments.ts';
import { IPERF_VERSION } from './arguments.ts';
import type { Flow } from './flow.ts';
import type { Span } from './lines.ts';
import { spanDocument, summed } from './report.ts';

export interface Finished {
  readonly request: IperfRequest;
  readonly flows: readonly Flow[];
  readonly intervals: readonly object[];
  readonly totals: { readonly sent: readonly Span[]; readonly received: readonly Span[] };
  readonly cookie: string;
  /** Bytes of a write. */
  readonly length: number;
  readonly mss: number;
  /** Milliseconds since 1970. */
  readonly date: number;
  /** The container's name. */
  readonly name: string;
}

export function clientDocument(done: Finished): object {
  const { request, flows, totals } = done;
  const { udp, to, port, reverse, parallel, rate } = request;
  const side = (spans: readonly Span[], i: number, sender: boolean): object | null => {
    const span = spans[i];
    return span === undefined ? null : { socket: span.id, ...spanDocument(span), sender };
  };
  return {
    start: {
      connected: flows.map(({ shown, local, remote }) => ({
        socket: shown,
        local_host: local.address,
        local_port: local.port,
        remote_host: remote.address,
        remote_port: remote.port,
      })),
      version: `iperf ${IPERF_VERSION}`,
      system_info: `vxlab ${done.name}`,
      timestamp: { time: new Date(done.date).toUTCString(), timesecs: Math.floor(done.date / 1000) },
      connecting_to: { host: to, port },
      cookie: done.cookie,
      ...(udp ? {} : { tcp_mss_default: done.mss }),
      target_bitrate: rate,
      test_start: {
        protocol: udp ? 'UDP' : 'TCP',
        num_streams: parallel,
        blksize: done.length,
        omit: 0,
        duration: request.time / 1e9,
        bytes: request.bytes,
        blocks: request.blocks,
        reverse: reverse ? 1 : 0,
        tos: 0,
        target_bitrate: rate,
      },
    },
    intervals: done.intervals,
    end: {
      streams: flows.map((_, i) =>
        udp
          ? { udp: side(totals.received, i, false) ?? side(totals.sent, i, true) }
          : { sender: side(totals.sent, i, !reverse), receiver: side(totals.received, i, !reverse) },
      ),
      ...(udp
        ? { sum: spanDocument(summed(totals.received.length > 0 ? totals.received : totals.sent)) }
        : {
            sum_sent: spanDocument(summed(totals.sent)),
            sum_received: spanDocument(summed(totals.received)),
          }),
    },
  };
}
