// `nslookup NAME [SERVER]`: BIND's, without its prompt.

import { formatIp } from '../../../core/wire/address.ts';
import type { DnsRecord } from '../../../core/wire/dns.ts';
import { RR, rcode } from '../../../core/wire/dns.ts';
import { lookUp } from '../names.ts';
import type { ToolContext } from '../tool.ts';
import type { DigRequest } from './arguments.ts';
import { readDig, reverseName } from './arguments.ts';
import { ask, queryBytes } from './ask.ts';
import { STATUS } from './print.ts';

export async function nslookup(context: ToolContext): Promise<number> {
  const words = context.argv.filter((word) => !word.startsWith('-'));
  const type = /^-(?:q|ty|type|query|querytype)=(.+)$/i.exec(
    context.argv.find((word) => word.startsWith('-')) ?? '',
  )?.[1];
  const [name, given] = words;
  if (name === undefined) {
    context.err('nslookup: a name, and maybe a server: nslookup NAME [SERVER]\n');
    return 1;
  }
  const own = context.container.resolver.server;
  const server =
    given === undefined
      ? own === null
        ? '127.0.0.1'
        : formatIp(own)
      : (await lookUp(context, given, 0)).addresses[0];
  if (server === undefined) {
    context.out(`nslookup: couldn't get address for '${given}': not found\n`);
    return 1;
  }
  const reverse = reverseName(name);
  const types = reverse !== null ? ['PTR'] : type === undefined ? ['A', 'AAAA'] : [type.toUpperCase()];
  let told = false;
  for (const [i, one] of types.entries()) {
    // EDNS is dig's: nslookup asks plainly.
    const request = readDig([reverse ?? name, one, '+noedns', '+tries=2']);
    if ('exit' in request) {
      context.out(`unknown query type: ${type}\n`);
      return 1;
    }
    const answer = await ask(
      context,
      request,
      queryBytes(context, request, request.questions[0] as DigRequest['questions'][number]),
      server,
      () => {},
    );
    if ('failed' in answer) {
      context.out(`;; communications error to ${server}#53: timed out\n;; no servers could be reached\n\n`);
      return 1;
    }
    if (!told) context.out(`Server:\t\t${server}\nAddress:\t${server}#53\n\n`);
    told = true;
    const { flags, answers } = answer.message;
    const code = rcode(flags);
    if (code !== 0) {
      context.out(`** server can't find ${reverse ?? name}: ${STATUS[code] ?? code}\n\n`);
      return 1;
    }
    const lines = answers.flatMap(answerLine);
    if (lines.length > 0)
      context.out(`${i === 0 && reverse === null ? 'Non-authoritative answer:\n' : ''}${lines.join('')}`);
    else if (types.length === 1) context.out(`*** Can't find ${name}: No answer\n`);
  }
  context.out('\n');
  return 0;
}

function answerLine({ name, type, data }: DnsRecord): string[] {
  if (data.kind === 'a' || data.kind === 'aaaa')
    return [`Name:\t${name}\nAddress: ${formatIp(data.address)}\n`];
  if (type === RR.ptr && data.kind === 'name') return [`${name}\tname = ${data.name}.\n`];
  if (type === RR.cname && data.kind === 'name') return [`${name}\tcanonical name = ${data.name}.\n`];
  if (data.kind === 'txt') return [`${name}\ttext = ${data.strings.map((text) => `"${text}"`).join(' ')}\n`];
  return [];
}
