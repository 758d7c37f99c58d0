// Values of the editing verbs' options: VNIs, addresses, ports, and lists of what becomes what (OLD=NEW,...).

import { InvalidArgumentError } from 'commander';
import type { Pairs } from '../../core/edit/rewrite/substitutes.ts';
import type { Ip, Mac } from '../../core/wire/address.ts';
import { isIp6, parseMac } from '../../core/wire/address.ts';
import { VNI_MAX, VxlabError } from '../../core/wire/numbers.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import { whole } from '../units.ts';

export const vni: (text: string) => number = whole(0, VNI_MAX);
export const udpPort: (text: string) => number = whole(1, 0xffff);

/** VNIs joined by commas. */
export function vnis(text: string): number[] {
  return text.split(',').map(vni);
}

export function ipAddress(text: string): Ip {
  return parsed(() => parseIp(text));
}

export function macAddress(text: string): Mac {
  return parsed(() => parseMac(text));
}

/** UDP ports joined by commas. */
export function udpPorts(text: string): number[] {
  return text.split(',').map(udpPort);
}

/** `MIN-MAX` of UDP ports, or one port. */
export function portRange(text: string): { readonly min: number; readonly max: number } {
  const [min = 0, max = min, ...more] = text.split('-').map(udpPort);
  if (more.length > 0 || max < min) {
    throw new InvalidArgumentError(
      'It must be a port or a range such as 49152-65535, the smaller one first.',
    );
  }
  return { min, max };
}

/** A parser of `OLD=NEW,...`; an option that is given again adds to the list. */
export function pairs<T>(
  one: (text: string) => T,
  example: string,
): (text: string, before?: Pairs<T>) => Pairs<T> {
  return (text, before = []) => {
    const list = [...before];
    for (const pair of text.split(',')) {
      const [from, to, ...more] = pair.split('=');
      if (!from || !to || more.length > 0) {
        throw new InvalidArgumentError(`What becomes what is written OLD=NEW, joined by commas: ${example}.`);
      }
      const old = one(from);
      const key = JSON.stringify(old);
      if (list.some(([known]) => JSON.stringify(known) === key)) {
        throw new InvalidArgumentError(`${from} cannot become two things.`);
      }
      list.push([old, one(to)]);
    }
    return list;
  };
}

/** As `pairs` for IP addresses, where both of a pair are of one family. */
export function ipPairs(example: string): (text: string, before?: Pairs<Ip>) => Pairs<Ip> {
  const parse = pairs(ipAddress, example);
  return (text, before) => {
    const list = parse(text, before);
    if (list.some(([from, to]) => isIp6(from) !== isIp6(to))) {
      throw new InvalidArgumentError(
        'An IPv4 address becomes an IPv4 address and an IPv6 address an IPv6 address.',
      );
    }
    return list;
  };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof VxlabError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}
