// What an unquoted YAML scalar means to Docker. Its loader is go-yaml v3: the YAML 1.2 core schema with a few habits of
// 1.1 kept (octal with a leading 0, underscores in numbers), and `yes`, `no`, `on`, `off` as plain text.

import type { Scalar } from './tree.ts';

const NULLS: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);
const TRUE: ReadonlySet<string> = new Set(['true', 'True', 'TRUE']);
const FALSE: ReadonlySet<string> = new Set(['false', 'False', 'FALSE']);
const RADIX: Readonly<Record<string, number>> = { x: 16, o: 8, b: 2 };

export function resolvePlain(text: string): Scalar {
  if (NULLS.has(text)) return null;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  return resolveNumber(text) ?? text;
}

function resolveNumber(text: string): number | null {
  if (!/^[-+.\d]/.test(text)) return null;
  if (/^[-+]?\.(inf|Inf|INF)$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  if (/^\.(nan|NaN|NAN)$/.test(text)) return Number.NaN;
  const digits = text.replaceAll('_', '');
  const prefixed = /^([-+]?)0([xob])([0-9a-fA-F]+)$/.exec(digits);
  if (prefixed !== null)
    return radixNumber(prefixed[3] as string, RADIX[prefixed[2] as string] as number, prefixed[1] as string);
  const octal = /^([-+]?)0([0-7]+)$/.exec(digits);
  if (octal !== null) return radixNumber(octal[2] as string, 8, octal[1] as string);
  if (!/^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(digits)) return null;
  return Number(digits);
}

function radixNumber(digits: string, radix: number, sign: string): number | null {
  const legal = radix === 16 ? /^[0-9a-fA-F]+$/ : radix === 8 ? /^[0-7]+$/ : /^[01]+$/;
  if (!legal.test(digits)) return null;
  const value = Number.parseInt(digits, radix);
  return sign === '-' ? -value : value;
}

/** The truth value in a text that came out of a variable (http://yaml.org/type/bool.html), or null. */
export function castBoolean(text: string): boolean | null {
  if (/^(y|yes|true|on)$/i.test(text)) return true;
  if (/^(n|no|false|off)$/i.test(text)) return false;
  return null;
}

/** The number in a text that came out of a variable, or null. */
export function castNumber(text: string, whole: boolean): number | null {
  if (whole) return /^[-+]?\d+$/.test(text) ? Number(text) : null;
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) ? Number(text) : null;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds in a duration such as `1m30s` or `1.5h` (Go's time.ParseDuration), or null. */
export function parseDuration(text: string): number | null {
  const match = /^([-+]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (match === null) return null;
  let total = 0;
  for (const part of (match[2] as string).matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(part[1]) * (UNITS[part[2] as string] as number);
  }
  if (total > 2 ** 63) return null;
  return Math.round(match[1] === '-' ? -total : total);
}

/** Bytes in a size such as `64M`, `1gb` or `1.5 GiB` (units are powers of 1024), or null. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(i?b)?$/i.exec(text);
  if (match === null) return null;
  const power = ' kmgtp'.indexOf((match[2] as string).toLowerCase() || ' ');
  return Math.floor(Number(match[1]) * 1024 ** power);
}
