// tshark and Scapy as judges of ESP: each gets a capture and a keys file in Wireshark's form.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SecurityAssociation } from '../../src/core/esp/association.ts';
import { runTool } from './peers.ts';

/** The first Python that has Scapy's IPsec layer, or undefined; a second one may hide Debian's. */
export const PYTHON: string | undefined = ['python3', '/usr/bin/python3'].find(
  (python) =>
    spawnSync(python, ['-c', 'import cryptography, scapy.layers.ipsec'], { timeout: 20_000 }).status === 0,
);
if (PYTHON === undefined)
  console.error('python3 with Scapy and cryptography is not installed: what it says of ESP is not asked');

const SCRIPT = fileURLToPath(new URL('../judges/scapy/esp.py', import.meta.url));

/** What test/judges/scapy/esp.py prints. */
export function scapy(args: readonly string[], input?: unknown): unknown {
  const text = input === undefined ? undefined : new TextEncoder().encode(JSON.stringify(input));
  return JSON.parse(runTool(PYTHON as string, [SCRIPT, ...args], text));
}

/**
 * Columns of a capture as tshark reads them with a keys file in the place where Wireshark has it.
 * @param keys null for none
 */
export function tsharkWithKeys(path: string, keys: string | null, columns: readonly string[]): string[][] {
  const profile = `${path}-profile-${keys === null ? 'none' : keys.replaceAll(/\W/g, '-')}`;
  mkdirSync(profile, { recursive: true });
  writeFileSync(`${profile}/esp_sa`, keys === null ? '' : readFileSync(keys));
  const on = ['esp.enable_encryption_decode', 'esp.enable_authentication_check'];
  const prefs = on.flatMap((name) => ['-o', `${name}:TRUE`]);
  const fields = columns.flatMap((one) => ['-e', one]);
  const args = [
    `WIRESHARK_CONFIG_DIR=${profile}`,
    'tshark',
    '-n',
    '-r',
    path,
    ...prefs,
    '-T',
    'fields',
    ...fields,
  ];
  return runTool('env', [...args, '-E', 'separator=/t', '-E', 'aggregator=;'])
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

/** The associations with one bit of every key turned. */
export function withWrongKeys(associations: readonly SecurityAssociation[]): SecurityAssociation[] {
  return associations.map((one) => ({ ...one, key: one.key.map((byte, i) => (i === 15 ? byte ^ 1 : byte)) }));
}
