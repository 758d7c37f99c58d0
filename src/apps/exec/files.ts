// The few files that every container has, which Docker writes: `cat /etc/hosts`, `/etc/resolv.conf`, `/etc/hostname`; and `hostname`.

import { formatIp } from '../../core/wire/address.ts';
import type { Container } from '../../engine/orchestrate/container.ts';
import { readOptions } from './options.ts';
import type { ToolContext } from './tool.ts';

const FILES: Readonly<Record<string, (container: Container) => string>> = {
  '/etc/hosts': hosts,
  '/etc/resolv.conf': resolvConf,
  '/etc/hostname': (container) => `${hostnameOf(container)}\n`,
};

/** Prints files one after another, or standard input. */
export async function cat(context: ToolContext): Promise<number> {
  let code = 0;
  const files = context.argv.length === 0 ? ['-'] : context.argv;
  for (const file of files) {
    if (file === '-') for await (const bytes of context.input) await context.write(bytes);
    else if (Object.hasOwn(FILES, file)) context.out(FILES[file]?.(context.container) ?? '');
    else {
      context.err(`cat: ${file}: No such file or directory\n`);
      code = 1;
    }
  }
  return code;
}

/** The container's host name, or with -i and -I its addresses. */
export function hostname(context: ToolContext): Promise<number> {
  const read = readOptions(context.argv, { letters: 'fiIs' });
  if ('fault' in read || read.operands.length > 0) {
    context.err('Usage: hostname [-f|-s|-i|-I]\n');
    return Promise.resolve(1);
  }
  const asked = read.options.map(({ name }) => name);
  const addresses = context.container.host.interfaces.flatMap((dev) =>
    dev.addresses.map(({ ip }) => formatIp(ip)),
  );
  if (asked.includes('I')) context.out(`${addresses.map((address) => `${address} `).join('')}\n`);
  else if (asked.includes('i')) context.out(`${namedAddresses(context.container).join(' ')}\n`);
  else context.out(`${hostnameOf(context.container)}\n`);
  return Promise.resolve(0);
}

function hostnameOf({ name, task }: Container): string {
  return task?.hostname ?? name;
}

/** The addresses that Docker writes beside the host name: one an overlay network. */
function namedAddresses({ host, task }: Container): string[] {
  if (task !== null)
    return task.endpoints.filter(({ network }) => !network.ingress).map(({ ip }) => formatIp(ip));
  return host.interfaces.flatMap((dev) => dev.addresses.slice(0, 1).map(({ ip }) => formatIp(ip)));
}

function hosts(container: Container): string {
  const lines = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'ff00::\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...namedAddresses(container).map((address) => `${address}\t${hostnameOf(container)}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function resolvConf(container: Container): string {
  const { server } = container.resolver;
  return server === null ? '' : `nameserver ${formatIp(server)}\noptions ndots:0\n`;
}
