// What a capture of real programs gives away, in short: who logs in with what.

import { expect } from 'vitest';
import type { Overheard } from '../core/eavesdrop/overhear.ts';
import { bytesAt, overhearCapture } from '../core/eavesdrop/overhear.ts';

/** `POP3 PASS: anna / secret`, one line for each secret, `~` before challenges; nonces and answers as `...`. */
export function loginsIn(capture: string): string[] {
  const heard = overhearCapture(capture);
  standThere(heard);
  return heard.report.conversations.flatMap(({ readings }) =>
    readings
      .filter(({ kind, protocol }) => (kind === 'secret' || kind === 'challenge') && protocol !== 'TLS')
      .map(({ kind, protocol, what, text, secret }) =>
        kind === 'secret'
          ? `${protocol} ${what}: ${text} / ${secret}`
          : `~ ${protocol} ${what}: ${text} / ${secret.replace(/(\w)=[^\s]+/g, '$1=...')}`,
      ),
  );
}

/** What is told of a capture's contents by protocol and what it is, such as `SMTP Subject`. */
export function contentsOf(capture: string, what: string): string[] {
  return overhearCapture(capture).report.conversations.flatMap(({ readings }) =>
    readings.filter((reading) => `${reading.protocol} ${reading.what}` === what).map(({ text }) => text),
  );
}

/** Protocols of a capture's conversations in their order. */
export function protocolsIn(capture: string): string[] {
  return overhearCapture(capture).report.conversations.map(({ protocol }) => protocol);
}

/** Each secret's bytes, or those of its base64, stand in its packet where the reading says. */
function standThere(heard: Overheard): void {
  for (const { readings } of heard.report.conversations) {
    for (const reading of readings) {
      if (reading.kind !== 'secret' || reading.protocol === 'Telnet') continue;
      const wire = bytesAt(heard, reading);
      const plain = Buffer.from(wire, 'latin1')
        .toString('utf8')
        .replaceAll(/\\(["\\])/g, '$1');
      const decoded = Buffer.from(wire, 'base64').toString('utf8');
      const hex = Buffer.from(wire, 'latin1').toString('hex');
      expect([plain, decoded, hex].some((one) => one.includes(reading.secret))).toBe(true);
    }
  }
}
