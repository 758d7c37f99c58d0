// tshark reads each capture of the corpus as it was captured; `vxlab eavesdrop` reads it in a tunnel of ours. Every credential
// that tshark names, by its statistics (`-z credentials`) and by the fields of its dissectors, is found there too: the same
// packet, the same user, the same secret.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capturePath } from '../support/captures.ts';
import type { Claimed } from '../support/cleartext.ts';
import { cleartextTruth, onUnderlay, overheardIn } from '../support/cleartext.ts';
import { hasTool, runTool } from '../support/peers.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-judge-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FIELDS = [
  ...['frame.number', 'http.authbasic', 'http.cookie', 'urlencoded-form.key', 'urlencoded-form.value'],
  ...['ftp.request.command', 'ftp.request.arg', 'pop.request.command', 'pop.request.parameter'],
  ...['imap.request', 'smtp.req.command', 'smtp.req.parameter', 'ldap.name', 'ldap.simple', 'socks.username'],
  ...['socks.password', 'mysql.user', 'mysql.passwd', 'mysql.auth_switch_response.data', 'mysql.query'],
  ...[
    'pgsql.password',
    'pgsql.query',
    'ntlmssp.auth.username',
    'mysql.compressed_packet_length',
    'dns.qry.name',
    'tls.handshake.extensions_server_name',
  ],
] as const;
type Row = Readonly<Record<(typeof FIELDS)[number], string>>;

/** Between values of a field, and between fields: neither stands in the corpus. */
const AND = '\u0001';
const NEXT = '\u0002';

/** One run of tshark: its fields, packet by packet, and the lines of its statistics behind them. */
interface Judged {
  readonly rows: readonly Row[];
  /** Line, packet, protocol, user. */
  readonly credentials: readonly RegExpExecArray[];
}

const judgements = new Map<string, Judged>();

function judged(name: string): Judged {
  const known = judgements.get(name);
  if (known !== undefined) return known;
  const text = runTool('tshark', [
    ...['-n', '-r', capturePath(name), '-z', 'credentials'],
    ...['-T', 'fields', '-E', `separator=${NEXT}`, '-E', `aggregator=${AND}`],
    ...[
      '-d',
      'udp.port==8472,vxlan',
      '-d',
      'tcp.port==15432,pgsql',
      ...FIELDS.flatMap((field) => ['-e', field]),
    ],
  ]);
  const lines = text.split('\n');
  const rows = lines.filter((line) => line.includes(NEXT)).map(rowOf);
  const credentials = lines
    .filter((line) => !line.includes(NEXT))
    .map((line) => /^(\d+) +(\S.*?) {2,}(\S+)/.exec(line))
    .filter((match) => match !== null);
  const made = { rows, credentials };
  judgements.set(name, made);
  return made;
}

function rowOf(line: string): Row {
  const cells = line.split(NEXT);
  return Object.fromEntries(FIELDS.map((field, i) => [field, cells[i] ?? ''])) as Row;
}

/** What must be among our claims; `packet` is the one in which tshark has it whole. */
interface Wanted {
  readonly packet: number;
  readonly what: string;
  readonly found: (claim: Claimed) => boolean;
}

/** All that tshark's fields say of credentials in one packet. */
function wantedOf(row: Row): Wanted[] {
  const packet = Number(row['frame.number']);
  const wanted: Wanted[] = [];
  const secret = (user: string, value: string): void => {
    wanted.push({
      packet,
      what: `secret ${user} ${value}`,
      found: (claim) => claim.kind === 'secret' && claim.text.includes(user) && claim.secret === value,
    });
  };
  const answer = (user: string, value: string): void => {
    wanted.push({
      packet,
      what: `challenge ${user} ${value}`,
      found: (claim) =>
        claim.kind === 'challenge' && claim.text.includes(user) && (claim.secret ?? '').includes(value),
    });
  };
  if (row['http.authbasic'] !== '') {
    const [user = '', ...rest] = row['http.authbasic'].split(':');
    secret(user, rest.join(':'));
  }
  for (const pair of row['http.cookie'].split(/; ?/)) {
    const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(pair) ?? [];
    if (name === '') continue;
    wanted.push({
      packet,
      what: `cookie ${pair}`,
      found: (claim) => claim.what === `cookie ${name}` && claim.secret === value,
    });
  }
  const keys = row['urlencoded-form.key'].split(AND);
  const values = row['urlencoded-form.value'].split(AND);
  if (keys.includes('password'))
    secret(values[keys.indexOf('user')] ?? '', values[keys.indexOf('password')] ?? '');
  if (row['ftp.request.command'] === 'PASS') secret('', row['ftp.request.arg']);
  if (/^pass$/i.test(row['pop.request.command'])) secret('', row['pop.request.parameter']);
  const [, user = '', password = ''] =
    /^\S+ LOGIN "?([^" ]+)"? "?([^" ]+)"?$/i.exec(row['imap.request']) ?? [];
  if (user !== '') secret(user, password);
  if (row['ldap.simple'] !== '') secret(row['ldap.name'].split(AND)[0] ?? '', row['ldap.simple']);
  if (row['socks.password'] !== '') secret(row['socks.username'], row['socks.password']);
  if (row['mysql.passwd'] !== '') answer(row['mysql.user'], row['mysql.passwd']);
  // Of one or two bytes: no answer, but a wish for the server's key.
  if (row['mysql.auth_switch_response.data'].length > 8) answer('', row['mysql.auth_switch_response.data']);
  if (row['ntlmssp.auth.username'] !== '') answer(row['ntlmssp.auth.username'], '');
  if (row['pgsql.password'] !== '')
    wanted.push({
      packet,
      what: `PostgreSQL ${row['pgsql.password']}`,
      found: ({ secret: value }) => (value ?? '').includes(row['pgsql.password']),
    });
  return wanted;
}

/** What the readings must have besides, secret or not. */
function saidOf(row: Row): { readonly kind: string; readonly text: string }[] {
  const said: { kind: string; text: string }[] = [];
  for (const field of ['mysql.query', 'pgsql.query'] as const) {
    // What goes compressed is named and not read (docs/eavesdrop.md).
    if (row['mysql.compressed_packet_length'] !== '') continue;
    // tshark writes line feeds as \n; the first line is enough.
    for (const query of row[field].split(AND)) {
      // A password in it is told apart.
      const text = query.split(/\\n|'/)[0] ?? '';
      if (text.length > 3) said.push({ kind: 'content', text });
    }
  }
  for (const text of row['tls.handshake.extensions_server_name'].split(AND))
    if (text !== '') said.push({ kind: 'name', text });
  return said;
}

const NAMES = [...cleartextTruth().keys()];

describe.skipIf(!hasTool('tshark'))('what tshark finds is found in the tunnel', () => {
  test.each(NAMES)('%s', async (name) => {
    const { conversations } = await overheardIn(await onUnderlay(name, folder));
    const claims = conversations.flatMap(({ readings }) => readings);
    const { rows, credentials } = judged(name);
    for (const { packet, what, found } of rows.flatMap(wantedOf)) {
      // The same in an earlier packet of the conversation is told once. One over several packets is told by the first.
      const there = claims.some((claim) => claim.packet <= packet && found(claim));
      expect([name, packet, what, there]).toEqual([name, packet, what, true]);
    }
    for (const { kind, text } of rows.flatMap(saidOf)) {
      const there = claims.some((claim) => claim.kind === kind && claim.text.includes(text));
      expect([name, kind, text, there]).toEqual([name, kind, text, true]);
    }
    const secrets = claims.filter(({ kind }) => kind === 'secret');
    for (const [line, packet, , raw = ''] of credentials) {
      // SMTP's are in base64 there, and IMAP's in quotes.
      const quoted = raw.replaceAll('"', '');
      const users = [quoted, Buffer.from(raw, 'base64').toString()];
      const there = secrets.some(
        (claim) => claim.packet === Number(packet) && (raw === '(null)' || users.includes(claim.text)),
      );
      expect([name, line, there]).toEqual([name, line, true]);
    }
  });

  test('and the judge finds many of them', () => {
    const all = NAMES.map(judged);
    expect(all.flatMap(({ rows }) => rows.flatMap(wantedOf)).length).toBeGreaterThan(120);
    expect(all.flatMap(({ credentials }) => credentials).length).toBeGreaterThan(40);
  }, 120_000);
});
