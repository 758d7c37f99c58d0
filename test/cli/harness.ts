// Runs a command line as a function: what it wrote, and its exit code.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ValidateFunction } from 'ajv';
import { Ajv } from 'ajv';
import picocolors from 'picocolors';
import { expect } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/program.ts';

export const LECTURE: string = fileURLToPath(
  new URL('../../fixtures/manifests/lecture.yml', import.meta.url),
);
export const AS_NOTED: string = fileURLToPath(
  new URL('../../fixtures/manifests/lecture-as-noted.yml', import.meta.url),
);

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
  readonly colour?: boolean;
}

export async function cli(argv: readonly string[], around: Surroundings = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const paint = picocolors.createColors(around.colour ?? false);
  const io: Io = {
    cwd: around.cwd ?? '/',
    env: around.env ?? {},
    paint,
    errPaint: paint,
    liveErr: false,
    signal: around.signal ?? new AbortController().signal,
    out: (text) => {
      out += text;
    },
    write: (bytes) => {
      out += Buffer.from(bytes).toString('utf8');
      return Promise.resolve();
    },
    err: (text) => {
      err += text;
    },
    stdin: () => Promise.resolve(around.stdin ?? ''),
    input: {
      terminal: around.stdin === undefined,
      async *chunks() {
        yield Buffer.from(around.stdin ?? '');
      },
      close: () => {},
    },
  };
  const code = await run(argv, io);
  return { code, out, err };
}

const schemas: Map<string, ValidateFunction> = new Map();

/** Expects a value to follow a published schema. */
export function validates(name: string, value: unknown): void {
  let validate = schemas.get(name);
  if (validate === undefined) {
    const url = new URL(`../../docs/schema/${name}.schema.json`, import.meta.url);
    validate = new Ajv({
      allErrors: true,
      strict: true,
      strictRequired: false,
      allowUnionTypes: true,
    }).compile(JSON.parse(readFileSync(url, 'utf8')) as object);
    schemas.set(name, validate);
  }
  expect(validate(value) ? [] : validate.errors).toEqual([]);
}

/** The document that a command printed, after its published schema has agreed to it. */
export function documentOf<T>(name: string, ran: Ran): T {
  const document: unknown = JSON.parse(ran.out);
  validates(name, document);
  return document as T;
}
