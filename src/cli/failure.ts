// Errors as users see them: a sentence, the next command to try, and an exit code by kind. Never a stack trace, unless
// VXLAB_DEBUG asks for it.

import { CommanderError } from 'commander';
import { VxlabError } from '../core/wire/numbers.ts';
import type { ExitCode, Io } from './io.ts';
import { EXIT } from './io.ts';

/** The exit code of an error's code; others are faults of ours. */
const KINDS: Readonly<Record<string, ExitCode>> = {
  USAGE: EXIT.usage,
  BAD_CLUSTER: EXIT.usage,
  BAD_IMPAIRMENT: EXIT.usage,
  BAD_IP: EXIT.usage,
  NO_SUCH_PROFILE: EXIT.usage,
  NO_SUCH_PARTY: EXIT.usage,
  NO_SUCH_NODE: EXIT.usage,
  NO_SUCH_LAB: EXIT.usage,
  NOT_LIVE: EXIT.usage,
  NOT_SEALED: EXIT.missing,
  KEYS_UNWRITABLE: EXIT.input,
  SCRIPT_UNWRITABLE: EXIT.input,
  NODE_FAILED: EXIT.missing,
  NOT_REACHABLE: EXIT.no,
  NOT_PROVABLE: EXIT.input,
  BAD_FILTER: EXIT.usage,
  BAD_PORT: EXIT.usage,
  BAD_DEPTH: EXIT.usage,
  BAD_LIMIT: EXIT.usage,
  UNREADABLE: EXIT.input,
  NOT_A_CAPTURE: EXIT.input,
  KEYS_UNREADABLE: EXIT.input,
  BAD_KEYS: EXIT.input,
  BAD_MANIFEST: EXIT.input,
  NO_SUCH_NETWORK: EXIT.input,
  POOL_OVERLAP: EXIT.input,
  POOL_EXHAUSTED: EXIT.input,
  OUT_OF_POOL: EXIT.input,
  OUT_OF_BLOCK: EXIT.input,
  OUT_OF_RANGE: EXIT.input,
  ADDRESS_TAKEN: EXIT.input,
  BAD_POOL: EXIT.input,
  BAD_CIDR: EXIT.input,
  BAD_VNI: EXIT.input,
  VNI_TAKEN: EXIT.input,
  CAPTURE_UNREADABLE: EXIT.input,
  CAPTURE_UNWRITABLE: EXIT.input,
  NO_SUCH_INTERFACE: EXIT.usage,
  BAD_BPF: EXIT.usage,
  CAPTURE_MISSING: EXIT.missing,
  CAPTURE_REFUSED: EXIT.missing,
  CAPTURE_ENDED: EXIT.missing,
  INTERFACE_DOWN: EXIT.missing,
  PORT_IN_USE: EXIT.missing,
  NO_SUCH_ADDRESS: EXIT.missing,
  SOCKET_REFUSED: EXIT.missing,
  CONTROL_REFUSED: EXIT.missing,
  LAB_RUNNING: EXIT.missing,
  LAB_GONE: EXIT.missing,
  OTHER_VERSION: EXIT.missing,
  BAD_VTEP: EXIT.usage,
  BAD_LINK_TYPE: EXIT.input,
  NO_ROUTE: EXIT.missing,
  NO_SUCH_USER: EXIT.usage,
  NOT_ROOT: EXIT.missing,
  BACKEND_MISSING: EXIT.missing,
  BACKEND_REFUSED: EXIT.missing,
  ATTACH_MISSING: EXIT.missing,
  ATTACH_REFUSED: EXIT.missing,
};

/** What to try next, where the sentence does not say so itself. */
const NEXT: Readonly<Record<string, string>> = {
  CAPTURE_MISSING:
    'apt install libpcap-dev build-essential python3; npm install cap; vxlab doctor says what is there',
  CAPTURE_REFUSED:
    'run it as root, or give the node binary the capability: setcap cap_net_raw,cap_net_admin+ep',
  INTERFACE_DOWN: 'ip link set IFACE up, as root, brings it up',
  NO_SUCH_PARTY: 'vxlab show dns lists the names',
  NOT_REACHABLE: 'vxlab show ipam lists the addresses on each network',
  POOL_EXHAUSTED: 'give the network a larger subnet in ipam.config',
  POOL_OVERLAP: 'give the networks subnets that do not overlap; vxlab lint FILE says where they stand',
  VNI_TAKEN: 'give each network its own vxlanid_list; vxlab lint FILE says where they stand',
};

/** Tells what went wrong and answers with the exit code. */
export function reportFailure(io: Io, error: unknown): ExitCode {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (io.env['VXLAB_DEBUG'] && error instanceof Error) io.err(`${error.stack ?? error.message}\n`);
  const kind = error instanceof VxlabError ? KINDS[error.code] : undefined;
  if (error instanceof VxlabError && kind !== undefined) {
    const next = NEXT[error.code];
    io.err(
      `${io.errPaint.red('vxlab:')} ${error.message}\n${caretOf(error)}${next === undefined ? '' : `  ${next}\n`}`,
    );
    return kind;
  }
  const words = error instanceof Error ? error.message : String(error);
  io.err(
    `${io.errPaint.red('vxlab:')} this is a fault in vxlab: ${words.replace(/\s+/g, ' ')}\n` +
      '  VXLAB_DEBUG=1 with the same command shows where; please report it with the file that led here\n',
  );
  return EXIT.fault;
}

/** The text at fault with a caret under the place, indented, for errors that have one. */
function caretOf(error: VxlabError): string {
  if (!('caret' in error) || typeof error.caret !== 'string') return '';
  return `${error.caret.replace(/^/gm, '  ')}\n`;
}

/** A command that was not understood, or options that do not go together. */
export function usage(message: string): VxlabError {
  return new VxlabError('USAGE', message);
}
