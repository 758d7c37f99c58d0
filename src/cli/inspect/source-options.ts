// What the commands that look at captures are asked: which files, which ports, how deep, which packets.

import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { WalkSettings } from '../../core/dissect/ports.ts';
import { DEPTH_MAX } from '../../core/dissect/ports.ts';
import type { Io } from '../io.ts';
import { whole } from '../units.ts';

export interface SourceArguments {
  readonly port?: readonly number[];
  readonly depth?: number;
  readonly heuristics?: boolean;
  readonly follow?: true;
  readonly filter?: string;
  /** A file of ESP keys. */
  readonly keys?: string;
}

/** A secret for tables that are filled with what strangers sent: nobody sees what it gives. Node's `crypto` takes 5 ms to load. */
export function salt(): number {
  return Math.floor(Math.random() * 0x1_0000_0000);
}

/** @param files false for what reads no files */
export function addSourceOptions(command: Command, files = true): Command {
  command
    .option('-Y, --filter <FILTER>', "only these packets: a display filter in Wireshark's words")
    .option('--port <P,...>', 'UDP ports of VXLAN; default 4789, 8472, and 4790 for VXLAN-GPE', ports)
    .option('--no-heuristics', 'read by ports alone: no VXLAN and no DNS by its looks')
    .option('--depth <N>', 'tunnels within one another that are followed; default 8', whole(0, DEPTH_MAX))
    .option('--keys <FILE>', "keys that open ESP packets, in the form of Wireshark's file esp_sa");
  return files ? command.option('--follow', 'wait for more at the end of the file, until Ctrl-C') : command;
}

function ports(text: string): number[] {
  const list = text.split(',').map(Number);
  if (list.some((port) => !Number.isInteger(port) || port < 1 || port > 0xffff)) {
    throw new InvalidArgumentError('Ports are whole numbers from 1 to 65535, joined by commas: 4789,8472.');
  }
  return list;
}

export function walkSettings({ port, depth, heuristics }: SourceArguments): WalkSettings {
  return {
    ...(port === undefined ? {} : { vxlan: port }),
    ...(depth === undefined ? {} : { depth }),
    ...(heuristics === undefined ? {} : { heuristics }),
  };
}

/** A file's place on disk, or '-'. */
export function pathOf(io: Io, name: string): string {
  return name === '-' ? name : resolve(io.cwd, name);
}
