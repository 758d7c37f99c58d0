// How fast `vxlab send` and `vxlab craft --send` are to be, as options.

import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Speed } from '../../live/send/pace.ts';
import { Pace } from '../../live/send/pace.ts';
import { usage } from '../failure.ts';
import { rate, span, whole } from '../units.ts';

export interface SpeedArguments {
  readonly speed?: number;
  readonly rate?: number;
  readonly pps?: number;
  readonly top?: true;
  readonly maxGap?: number;
}

/** Packets a second at most: one a nanosecond. */
const PPS_MAX = 1_000_000_000;

export function addSpeedOptions(command: Command, recorded = true): Command {
  if (recorded) {
    command
      .option('--speed <X>', 'so many times the recorded speed, such as 2 or 0.5; default 1', factor)
      .option('--max-gap <TIME>', 'wait no longer than this between two packets, such as 1s', span);
  }
  return command
    .option('--rate <RATE>', 'bits a second, such as 10mbit', rate)
    .option('--pps <N>', 'so many packets a second', whole(1, PPS_MAX))
    .option('--top', 'as fast as it goes');
}

/** @throws VxlabError USAGE for more than one speed */
export function paceOf(given: SpeedArguments, otherwise: Speed): Pace {
  const asked = (['speed', 'rate', 'pps', 'top'] as const).filter((name) => given[name] !== undefined);
  if (asked.length > 1) throw usage(`--${asked[0]} and --${asked[1]} are two speeds: say one`);
  const { speed, rate: bits, pps, maxGap } = given;
  const chosen: Speed =
    bits !== undefined
      ? { kind: 'rate', bits }
      : pps !== undefined
        ? { kind: 'pps', packets: pps }
        : given.top
          ? { kind: 'top' }
          : speed === undefined
            ? otherwise
            : { kind: 'recorded', factor: speed };
  if (maxGap !== undefined && chosen.kind !== 'recorded') {
    throw usage('--max-gap cuts recorded gaps: not with --rate, --pps or --top');
  }
  return new Pace(chosen, maxGap);
}

function factor(text: string): number {
  const value = Number(text.replace(/x$/, ''));
  if (text === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('It must be a number above 0, such as 2 or 0.5.');
  return value;
}
