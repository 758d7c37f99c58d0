// Runs a tool in a container or on a node of a world, with standard streams of its own: `docker exec` for the programs of index.ts.

import type { Ip } from '../../core/wire/address.ts';
import { sameIp } from '../../core/wire/address.ts';
import type { Container } from '../../engine/orchestrate/container.ts';
import type { World } from '../../engine/orchestrate/world.ts';
import type { ContainerProcess } from '../process.ts';
import type { Runtime } from '../runtime.ts';
import { TOOLS } from './index.ts';
import type { Beside, Tool, ToolContext } from './tool.ts';

/** docker's code for a program that is not there. */
const NOT_FOUND = 127;

export interface Streams {
  /** Standard input; read when the program reads it. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Bytes of standard output; resolves when more may come. */
  out(bytes: Uint8Array): Promise<void>;
  err(text: string): void;
  /** The program has no end of its own. */
  endless(): void;
}

/** A tool that was started. */
export interface Execution {
  /** The task's name, or the node's. */
  readonly task: string;
  readonly process: ContainerProcess;
  /** Asks it to end, as Ctrl-C does. */
  stop(): void;
  /** The exit code; what runs for it in other containers has been ended by then. */
  readonly ended: Promise<number>;
}

/**
 * Starts `argv` in a task.
 * @throws VxlabError NO_SUCH_PARTY
 */
export function execute(
  world: World,
  runtime: Runtime,
  task: string,
  argv: readonly string[],
  streams: Streams,
): Execution {
  const container = placeOf(world, task);
  const [name = '', ...rest] = argv;
  const beside: ContainerProcess[] = [];
  const process = start(runtime, container, name, rest, streams, (address, words) => {
    const place = answering(world, address);
    if (place === null) return null;
    const [tool = '', ...more] = words;
    beside.push(start(runtime, place.container, tool, more, SILENT, () => null));
    return place;
  });
  const ended = process.ended.then((code) => {
    for (const one of beside) one.kill();
    return code;
  });
  return { task: container.name, process, stop: () => process.stop(), ended };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

const SILENT: Streams = {
  input: nothing(),
  out: () => Promise.resolve(),
  err: () => {},
  endless: () => {},
};

function start(
  runtime: Runtime,
  container: Container,
  name: string,
  argv: readonly string[],
  streams: Streams,
  beside: ToolContext['beside'],
): ContainerProcess {
  const tool: Tool = TOOLS.get(name.replace(/^(\/usr)?\/s?bin\//, '')) ?? notFound(name);
  const process: ContainerProcess = runtime.run(
    container,
    name,
    async (context) => {
      // What a program wrote has left before its end is told.
      let written: Promise<void> = Promise.resolve();
      const write = (bytes: Uint8Array): Promise<void> => {
        written = streams.out(bytes);
        return written;
      };
      const code = await tool({
        ...context,
        input: streams.input,
        inbox: process.site.inbox,
        write,
        out: (text) => void write(Buffer.from(text)),
        err: (text) => streams.err(text),
        endless: () => streams.endless(),
        beside,
      });
      await written;
      return code;
    },
    // A tool's own words go through its context; these are of what it did not catch.
    { argv, err: (text) => streams.err(text) },
  );
  void process.ended.then(() => runtime.forget(process));
  return process;
}

function notFound(name: string): Tool {
  return (context) => {
    const names = [...TOOLS.keys()].sort().join(', ');
    context.err(`exec: "${name}": executable file not found in $PATH\n`);
    context.err(`a container of this lab has ${names}\n`);
    return Promise.resolve(NOT_FOUND);
  };
}

/** The container of a name, or a node as one. */
function placeOf(world: World, task: string): Container {
  const party = world.party(task);
  const container = world.containers.get(party.name);
  if (container !== undefined) return container;
  const node = world.nodes.get(party.name);
  return {
    name: party.name,
    id: node?.id ?? '',
    node: party.node,
    host: party.host,
    task: null,
    get resolver() {
      return (node as NonNullable<typeof node>).resolver;
    },
  };
}

/** The first container that an address leads to: its own, or a service's virtual one. */
function answering(world: World, address: Ip): (Beside & { readonly container: Container }) | null {
  for (const container of world.containers.values()) {
    const endpoint = container.task?.endpoints.find(({ ip }) => sameIp(ip, address));
    if (endpoint !== undefined) return { container, task: container.name, address: endpoint.ip, tasks: 1 };
  }
  for (const { vips, tasks } of world.plan.services) {
    const vip = vips.find(({ ip }) => sameIp(ip, address));
    const running = vip === undefined ? [] : tasks.filter(({ name }) => world.containers.has(name));
    const [first] = running;
    const endpoint = first?.endpoints.find(({ network }) => network === vip?.network);
    if (first === undefined || endpoint === undefined) continue;
    const container = world.containers.get(first.name) as Container;
    return { container, task: first.name, address: endpoint.ip, tasks: running.length };
  }
  return null;
}
