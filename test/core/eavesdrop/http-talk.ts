// HTTP messages for tests, and what is read of them.

import type { Turn } from './overhear.ts';
import { lines, only, overhear, played } from './overhear.ts';

export const crlf = (text: string): string => text.replaceAll('\n', '\r\n');

export function heard(...turns: readonly Turn[]): string[] {
  return lines(only(overhear(played(8080, turns))).readings);
}

export function request(head: string, body = ''): Turn {
  return ['>', `${crlf(`${head}\n\n`)}${body}`];
}

export function response(head: string, body = ''): Turn {
  return ['<', `${crlf(`${head}\n\n`)}${body}`];
}

export const OK = response('HTTP/1.1 200 OK\nContent-Length: 0');
