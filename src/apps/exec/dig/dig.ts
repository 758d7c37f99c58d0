// `dig`: questions to the container's name server, or another, and the answers as dig 9.18 prints them.
// Exit 0 for any answer, 1 for a command line it does not understand, 9 when no server answered.

import { formatIp } from '../../../core/wire/address.ts';
import { VxlabError } from '../../../core/wire/numbers.ts';
import { lookUp } from '../names.ts';
import type { ToolContext } from '../tool.ts';
import { stopWith } from '../tool.ts';
import type { DigRequest } from './arguments.ts';
import { readDig } from './arguments.ts';
import { ask, queryBytes } from './ask.ts';
import { banner, printAnswer } from './print.ts';

export async function dig(context: ToolContext): Promise<number> {
  const request = readDig(context.argv);
  if ('exit' in request) return stopWith(context, request);
  const servers = await serversOf(context, request);
  if (servers.length === 0) {
    context.err(`dig: couldn't get address for '${request.server}': not found\n`);
    return 1;
  }
  let code = 0;
  for (const question of request.questions) {
    let query: Uint8Array;
    try {
      query = queryBytes(context, request, question);
    } catch (error) {
      if (!(error instanceof VxlabError)) throw error;
      context.err(
        `dig: '${question.name}' is not a legal name (a label is empty or longer than 63 bytes, or all of it is longer than 255)\n`,
      );
      return 10;
    }
    const head = banner(request, request.server === null ? null : servers.length);
    let failed = ';; no servers could be reached';
    let answered = false;
    for (const server of servers) {
      const answer = await ask(context, request, query, server, (line) => context.out(`${line}\n`));
      if ('failed' in answer) {
        failed = answer.failed;
        continue;
      }
      context.out(head + printAnswer(request, answer));
      answered = true;
      break;
    }
    if (answered) continue;
    context.out(`${head}${failed}\n`);
    code = 9;
  }
  return code;
}

/** In letters: those behind @, or the one of resolv.conf; this machine's own where there is none. */
async function serversOf(context: ToolContext, request: DigRequest): Promise<readonly string[]> {
  if (request.server !== null) return (await lookUp(context, request.server, request.family)).addresses;
  const { server } = context.container.resolver;
  return [server === null ? '127.0.0.1' : formatIp(server)];
}
