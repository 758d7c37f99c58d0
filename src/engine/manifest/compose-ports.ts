// A service's `ports`, short and long form (go-connections, nat.ParsePortSpec; docker/cli, loader and opts/swarmopts).
//
// Short: [address:][published:]target[/protocol], where published and target may be ranges. An address is accepted and
// then dropped: a swarm publishes on all addresses of its nodes. A published range for one target publishes all of it.

import type { Diagnostics, Where } from '../model/diagnostic.ts';
import type { PortSpec } from '../model/spec.ts';
import { didYouMean } from './suggest.ts';
import type { TreeNode } from './tree.ts';
import { childOf, entryOf, itemsOf, numberOf, textOf, whereOf } from './tree.ts';

export interface PortDraft {
  readonly spec: PortSpec;
  readonly where: Where;
}

type Protocol = PortSpec['protocol'];

const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];
const HINT =
  'write "8085:80" (published:target), "80", "53:53/udp" or ranges of one length, as in "3000-3005:3000-3005"';

interface Range {
  readonly first: number;
  readonly last: number;
}

/** How many more ports a file may ask for: a short line can stand for 65535 of them. */
export interface PortBudget {
  left: number;
}

export const PORTS_MAX = 200_000;

export function readPorts(
  node: TreeNode | undefined,
  path: string,
  budget: PortBudget,
  found: Diagnostics,
): readonly PortDraft[] {
  return itemsOf(node).flatMap((item, index) => {
    const where = whereOf(item, `${path}[${index}]`);
    if (budget.left < 0) return [];
    const specs =
      item.kind === 'map' ? longForm(item, where, found) : shortForm(textOf(item) ?? '', where, found);
    budget.left -= specs.length;
    if (budget.left < 0) {
      found.report('OV1012', where, `the file is too large: more than ${PORTS_MAX} ports in all`);
      return [];
    }
    return specs.map((spec) => ({ spec, where }));
  });
}

function longForm(item: TreeNode, where: Where, found: Diagnostics): readonly PortSpec[] {
  const target = numberOf(childOf(item, 'target'));
  const published = numberOf(childOf(item, 'published')) ?? 0;
  const below = (key: string): Where => {
    const entry = entryOf(item, key);
    return entry === undefined ? where : whereOf(entry.value, `${where.path}.${key}`);
  };
  let whole = true;
  if (target === undefined || target < 1 || target > 65535) {
    const message = target === undefined ? 'this port has no target' : `${target} is not a port`;
    found.report('OV1601', below('target'), message, 'target is the port inside the containers, 1 to 65535');
    whole = false;
  }
  if (published < 0 || published > 65535) {
    found.report(
      'OV1601',
      below('published'),
      `${published} is not a port`,
      'published is a port from 1 to 65535',
    );
    whole = false;
  }
  const protocol = (textOf(childOf(item, 'protocol')) ?? 'tcp').toLowerCase();
  const mode = (textOf(childOf(item, 'mode')) ?? 'ingress').toLowerCase();
  if (!isProtocol(protocol)) {
    reportWord('protocol', protocol, PROTOCOLS, below('protocol'), found);
    whole = false;
  }
  if (mode !== 'ingress' && mode !== 'host') {
    reportWord('mode', mode, ['ingress', 'host'], below('mode'), found);
    whole = false;
  }
  if (!whole) return [];
  return [
    {
      published: published === 0 ? null : published,
      target: target as number,
      protocol: protocol as Protocol,
      mode: mode as PortSpec['mode'],
    },
  ];
}

function reportWord(
  what: string,
  word: string,
  words: readonly string[],
  where: Where,
  found: Diagnostics,
): void {
  const hint = didYouMean(word, words) ?? `write ${words.join(' or ')}`;
  found.report('OV1604', where, `"${word}" is not a port's ${what}`, hint);
}

function isProtocol(word: string): word is Protocol {
  return (PROTOCOLS as readonly string[]).includes(word);
}

function shortForm(text: string, where: Where, found: Diagnostics): readonly PortSpec[] {
  const slash = text.lastIndexOf('/');
  const protocol = slash < 0 ? 'tcp' : text.slice(slash + 1).toLowerCase();
  const parts = (slash < 0 ? text : text.slice(0, slash)).split(':');
  const targetText = parts.pop() ?? '';
  const publishedText = parts.pop() ?? '';
  const address = parts.join(':');
  if (!isProtocol(protocol)) {
    reportWord('protocol', protocol, PROTOCOLS, where, found);
    return [];
  }
  const target = readRange(targetText);
  const published = publishedText === '' ? null : readRange(publishedText);
  if (target === null) {
    const what =
      targetText === '' ? 'names no target port' : `has "${targetText}" where the target port should be`;
    found.report('OV1601', where, `"${text}" ${what}`, HINT);
    return [];
  }
  if (publishedText !== '' && published === null) {
    found.report(
      'OV1601',
      where,
      `"${text}" has "${publishedText}" where the published port should be`,
      HINT,
    );
    return [];
  }
  if (address !== '' && !isAddress(address)) {
    found.report('OV1601', where, `"${text}" starts with "${address}", which is not an IP address`, HINT);
    return [];
  }
  if (address !== '' && address !== '0.0.0.0' && address !== '[::]') {
    const message = `the address ${address} is dropped: a swarm publishes on all addresses`;
    found.report('OV1603', where, message, 'leave it out, and keep others away with a firewall');
  }
  const targets = target.last - target.first;
  if (published !== null && targets > 0 && published.last - published.first !== targets) {
    found.report('OV1601', where, `"${text}" has ranges of different lengths`, HINT);
    return [];
  }
  return expand(target, published, protocol);
}

function expand(target: Range, published: Range | null, protocol: Protocol): readonly PortSpec[] {
  const specs: PortSpec[] = [];
  const one = target.first === target.last;
  const count = one && published !== null ? published.last - published.first : target.last - target.first;
  for (let i = 0; i <= count; i++) {
    specs.push({
      published: published === null ? null : published.first + i,
      target: one ? target.first : target.first + i,
      protocol,
      mode: 'ingress',
    });
  }
  return specs;
}

function readRange(text: string): Range | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first < 1 || last > 65535 || last < first ? null : { first, last };
}

function isAddress(text: string): boolean {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (four !== null) return four.slice(1).every((part) => Number(part) <= 255);
  return /^\[?[0-9a-fA-F:.]+\]?$/.test(text) && text.includes(':');
}
