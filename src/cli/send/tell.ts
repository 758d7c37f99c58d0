// What `vxlab send` and `vxlab craft --send` say: how far they are, and what became of the packets.

import type { SendReport } from '../../live/send/send-report.ts';
import { failures } from '../../live/send/send-report.ts';
import type { Sender } from '../../live/send/sender.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT } from '../io.ts';
import { bitRate, count, durationText } from '../units.ts';

/** Why a packet of the capture is not sent, as words for people. */
const SKIPPED: Readonly<Record<string, string>> = {
  filteredOut: 'not taken by the filter',
  cutShort: 'cut short in the capture',
  linkType: 'of another link type',
  notIp: 'not IP',
  withoutTunnel: 'without a tunnel',
  fragments: 'fragments, sent with the packet that completes them',
  noFrame: 'with no frame inside',
};

/** Why a packet does not leave, as words for people. */
const FAILURES: Readonly<Record<string, string>> = {
  tooLong: 'longer than the MTU',
  tooShort: 'too short for a header',
  noRoom: 'the kernel had no room for',
  interfaceDown: 'when the interface was down',
};

/** One line about a run that goes on. */
export function soFar(sender: Sender): string {
  const { sent, bytes } = sender.road.counters;
  const seconds = sender.elapsed / 1e9;
  if (seconds <= 0) return count(sent, 'packet');
  return `${count(sent, 'packet')} sent, ${Math.round(sent / seconds)} a second, ${bitRate((bytes * 8) / seconds)}`;
}

/** The end's lines on standard error. @param to where they went, in words */
export function tellSent(io: Io, report: SendReport, to: string, room: number): void {
  const { packets, bytes, seconds, packetsPerSecond, bitsPerSecond, lateness, backend, waits } = report;
  const rates =
    packetsPerSecond === null || bitsPerSecond === null
      ? ''
      : `: ${rounded(packetsPerSecond)} packets a second, ${bitRate(bitsPerSecond)}`;
  io.err(
    `${count(packets.sent, 'packet')}, ${count(bytes, 'byte')}, sent ${to} (${backend}) in ${durationText(seconds * 1e9)}${rates}\n`,
  );
  list(io, 'left out', packets.skipped, SKIPPED);
  list(io, 'not sent', packets.failed, FAILURES);
  if (packets.failed['tooLong'] !== undefined) {
    io.err(
      `  what is sent ${to} has ${room} bytes at most; raise the MTU, or capture with tso, gso and gro off\n`,
    );
  }
  if (lateness !== null && lateness.overMillisecond > 0) {
    const [mean, max] = [lateness.mean, lateness.max].map((late) => durationText(Math.round(late * 1e9)));
    io.err(
      `late: ${count(lateness.overMillisecond, 'packet')} by over 1 ms; ${mean} on average, ${max} at most\n`,
    );
  }
  if (waits > 0) io.err(`the kernel had no room ${count(waits, 'time')} and was waited for\n`);
}

/** 1 when a packet did not leave that should have, or none was there to send. */
export function codeOf(io: Io, report: SendReport): ExitCode {
  if (io.signal.aborted) return EXIT.interrupted;
  return failures(report) > 0 || report.packets.sent === 0 ? EXIT.no : EXIT.done;
}

function list(
  io: Io,
  what: string,
  counts: Readonly<Record<string, number>>,
  words: Readonly<Record<string, string>>,
): void {
  const told = Object.entries(counts).map(([reason, n]) => `${n} ${words[reason] ?? reason}`);
  if (told.length > 0) io.err(`${what}: ${told.join(', ')}\n`);
}

function rounded(n: number): string {
  return n >= 100 ? String(Math.round(n)) : n.toPrecision(3);
}
