// What became of the packets of a run, as plain data: docs/schema/send.schema.json.

import type { Pick } from './pick.ts';
import type { Means } from './road.ts';
import type { Sender } from './sender.ts';

const SECOND = 1_000_000_000;

export interface SendReport {
  readonly backend: Means;
  readonly packets: {
    /** Taken by the kernel. */
    readonly sent: number;
    /** Of the capture, left out on purpose, by reason. */
    readonly skipped: Readonly<Record<string, number>>;
    /** Not taken by the kernel, by reason. */
    readonly failed: Readonly<Record<string, number>>;
  };
  /** Of what was sent: whole frames, or UDP payloads. */
  readonly bytes: number;
  /** From the first packet to the last. */
  readonly seconds: number;
  /** Null where there is no second to speak of. */
  readonly packetsPerSecond: number | null;
  readonly bitsPerSecond: number | null;
  /** How late packets were handed to the kernel, in seconds; null at top speed. */
  readonly lateness: { readonly mean: number; readonly max: number; readonly overMillisecond: number } | null;
  /** How often the kernel had no room and was waited for. */
  readonly waits: number;
}

export function reportOf(sender: Sender, pick: Pick | null): SendReport {
  const { counters, means } = sender.road;
  const { sent, bytes, failed, waits } = counters;
  const seconds = sender.duration / SECOND;
  const rated = sent > 1 && seconds > 0;
  return {
    backend: means,
    packets: {
      sent,
      skipped: Object.fromEntries(pick?.skipped ?? []),
      failed: Object.fromEntries(failed),
    },
    bytes,
    seconds,
    packetsPerSecond: rated ? sent / seconds : null,
    bitsPerSecond: rated ? (bytes * 8) / seconds : null,
    lateness: sender.paced
      ? {
          mean: sender.packets === 0 ? 0 : sender.lateness / sender.packets / SECOND,
          max: sender.latest / SECOND,
          overMillisecond: sender.late,
        }
      : null,
    waits,
  };
}

/** How many could not be sent. */
export function failures({ packets }: SendReport): number {
  return Object.values(packets.failed).reduce((sum, n) => sum + n, 0);
}
