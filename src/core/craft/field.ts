// Fields of a header as a person writes them: `src=10.0.0.1,ttl=64,flags=DF`. A kind knows how its text becomes a number.

import type { Ip6 } from '../wire/address.ts';
import { parseMac } from '../wire/address.ts';
import { VxlabError } from '../wire/numbers.ts';
import { parseIp4, parseIp6 } from '../wire/parse-ip.ts';

export type FieldValue = number | Ip6;

export interface FieldKind {
  /** What may stand there, for help and errors: `0 to 255`, `a MAC address`. */
  readonly says: string;
  /** Null for what may not. */
  parse(text: string): FieldValue | null;
}

/** A whole number from 0, decimal or 0x hex, or one of some names. */
export function number(max: number, names: Readonly<Record<string, number>> = {}): FieldKind {
  const words = Object.keys(names);
  return {
    says: `0 to ${max}${words.length === 0 ? '' : ` or ${words.join(', ')}`}`,
    parse: (text) => {
      const named = names[text];
      if (named !== undefined) return named;
      if (!/^(?:0x[0-9a-f]+|[0-9]+)$/i.test(text)) return null;
      const value = Number(text);
      return value <= max ? value : null;
    },
  };
}

/**
 * Bits by letters or names, in Scapy's manner: `SA` is SYN and ACK; or the number they make.
 * @param bits by name; a name of one letter may stand in a row with others, longer ones are joined by +
 */
export function flags(max: number, bits: Readonly<Record<string, number>>): FieldKind {
  const names = Object.keys(bits);
  const plain = number(max);
  return {
    says: `${names.every((name) => name.length === 1) ? `letters of ${names.join('')}` : `${names.join(', ')} joined by +`}, or 0 to ${max}`,
    parse: (text) => {
      const value = plain.parse(text);
      if (value !== null || text === '') return value;
      const parts = text.includes('+') || bits[text] !== undefined ? text.split('+') : [...text];
      let sum = 0;
      for (const part of parts) {
        const bit = bits[part];
        if (bit === undefined) return null;
        sum |= bit;
      }
      return sum;
    },
  };
}

function parsed(says: string, parse: (text: string) => FieldValue): FieldKind {
  return {
    says,
    parse: (text) => {
      try {
        return parse(text);
      } catch (error) {
        if (error instanceof VxlabError) return null;
        throw error;
      }
    },
  };
}

export const MAC: FieldKind = parsed('a MAC address', parseMac);
export const IP4: FieldKind = parsed('an IPv4 address', parseIp4);
export const IP6: FieldKind = parsed('an IPv6 address', parseIp6);
