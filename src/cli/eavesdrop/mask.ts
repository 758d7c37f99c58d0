// What may be shown to others: without secrets, and without what repeats them. An answer that echoes a password, a query that
// has it in hexadecimal, a name that is the same word: the secret is struck there too.

import type { Reading } from '../../core/eavesdrop/reading.ts';
import type { EavesdropReport, Host } from '../../core/eavesdrop/report.ts';
import { MASK, Striker } from './strike.ts';

/** Values of cookies are often words of everyday (`dark`, `true`): shorter ones are struck only where they are the cookie. */
const COOKIE_LEAST = 8;
/** What a thing is called has a field's name in it; a password `password` is no reason to hide that. */
const WHAT_LEAST = 12;

/**
 * Where a text says of its next word that it is a secret. Nobody vouches for what is behind such a word, but no one would want
 * to see it shown. What is matched before the secret is group 1.
 */
const ANNOUNCED: readonly RegExp[] = [
  /((?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[-_]?key|credentials?)["']?\s*(?::|=>?)\s*["']?)([^\s"'&;,<>]+)/gi,
  /(\b(?:PASS|AUTH|PASSWORD)\s+)([^\s"'&;,<>:=]+)/g,
  /(\b(?:identified\s+by|password)\s*\(?\s*(?:password\s*)?['"])((?:[^'"\\]|\\.)+)/gi,
];

/** Shows conversations and hosts without the secrets of the report that they are of. */
export class Veil {
  readonly #striker: Striker = new Striker();

  constructor({ conversations }: EavesdropReport) {
    for (const { readings } of conversations) {
      for (const { secret, what } of readings) {
        if (secret !== '') this.#striker.add(secret, what.startsWith('cookie') ? COOKIE_LEAST : 0);
      }
    }
  }

  reading(reading: Reading): Reading {
    const struck = this.#striker.strike(reading.text);
    return {
      ...reading,
      what: this.#striker.strike(reading.what, WHAT_LEAST),
      text: reading.kind === 'content' ? withoutAnnounced(struck) : struck,
      secret: reading.secret === '' ? '' : MASK,
    };
  }

  host(host: Host): Host {
    return { ...host, names: host.names.map((name) => this.#striker.strike(name)) };
  }
}

function withoutAnnounced(text: string): string {
  return ANNOUNCED.reduce((rest, pattern) => rest.replace(pattern, `$1${MASK}`), text);
}
