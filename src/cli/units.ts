// Values on the command line in the units that tc and docker use.

import { InvalidArgumentError } from 'commander';

const DURATION: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const RATE: Readonly<Record<string, number>> = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 };

/** Nanoseconds of `10s`, `250ms`, `1m`; a bare number is seconds. */
export function duration(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)?$/.exec(text);
  const nanoseconds =
    parts === null ? -1 : Math.round(Number(parts[1]) * (DURATION[parts[2] ?? 's'] as number));
  if (!Number.isSafeInteger(nanoseconds) || nanoseconds < 0) {
    throw new InvalidArgumentError('A duration is a number and a unit, such as 10s, 250ms or 1m.');
  }
  return nanoseconds;
}

/** A duration that is more than nothing. */
export function span(text: string): number {
  const nanoseconds = duration(text);
  if (nanoseconds === 0) throw new InvalidArgumentError('It must be longer than 0.');
  return nanoseconds;
}

/** Nanoseconds of a delay; its unit must be said, because tc's bare numbers are microseconds. */
export function delay(text: string): number {
  if (!/[a-z]$/.test(text)) throw new InvalidArgumentError('Say the unit: 1ms, 250us.');
  return duration(text);
}

/** A share of 0 to 1 from `1%`. */
export function percent(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)%$/.exec(text);
  const share = parts === null ? -1 : Number(parts[1]) / 100;
  if (share < 0 || share > 1) throw new InvalidArgumentError('A share is written 1% and is at most 100%.');
  return share;
}

/** Bits a second of `100mbit`. */
export function rate(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)(bit|kbit|mbit|gbit)$/.exec(text);
  if (parts === null)
    throw new InvalidArgumentError('A rate is a number and bit, kbit, mbit or gbit: 100mbit.');
  return Number(parts[1]) * (RATE[parts[2] as string] as number);
}

/** A VLAN id of `5`, with a priority code point of `5:3`. */
export function vlanTag(text: string): { vid: number; priority: number } {
  const parts = /^(\d{1,4})(?::([0-7]))?$/.exec(text);
  const vid = parts === null ? 0 : Number(parts[1]);
  if (vid < 1 || vid > 4094) {
    throw new InvalidArgumentError('A VLAN is an id from 1 to 4094, and maybe a priority: 5 or 5:3.');
  }
  return { vid, priority: Number(parts?.[2] ?? 0) };
}

/** Bytes of `64k`, `32M`, `1G`; a bare number is bytes. */
export function size(text: string): number {
  const parts = /^(\d+)([kMG]?)$/.exec(text);
  const bytes =
    parts === null ? 0 : Number(parts[1]) * 1024 ** ['', 'k', 'M', 'G'].indexOf(parts[2] as string);
  if (bytes < 1 || bytes > 0x7fff_ffff) {
    throw new InvalidArgumentError('A size is a number and maybe k, M or G, and less than 2G: 32M.');
  }
  return bytes;
}

/** A parser of whole numbers in a range. */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (!/^\d+$/.test(text) || n < min || n > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return n;
  };
}

/** `1.5 s`, `250 ms`: nanoseconds for people. */
export function durationText(nanoseconds: number): string {
  if (nanoseconds >= 1e9 || nanoseconds === 0) return `${trim(nanoseconds / 1e9)} s`;
  if (nanoseconds >= 1e6) return `${trim(nanoseconds / 1e6)} ms`;
  return `${trim(nanoseconds / 1e3)} us`;
}

/** Milliseconds with three places, as a table of round-trip times has them. */
export function millis(nanoseconds: number): string {
  return (nanoseconds / 1e6).toFixed(3);
}

function trim(n: number): string {
  return String(Math.round(n * 1000) / 1000);
}

/** `1 packet`, `2 packets`. */
export function count(n: number, one: string, many: string = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** `1.50 Mbit/s`: bits a second for people. */
export function bitRate(bits: number): string {
  if (bits >= 1e9) return `${(bits / 1e9).toFixed(2)} Gbit/s`;
  if (bits >= 1e6) return `${(bits / 1e6).toFixed(2)} Mbit/s`;
  return `${(bits / 1e3).toFixed(2)} kbit/s`;
}
