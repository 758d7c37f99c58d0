// The laboratory's MySQL server with TLS, judged by mysql2's client.

import mysql from 'mysql2/promise';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { certificateFor } from '../../../src/apps/canary/certificate.ts';
import { mysqlServer } from '../../../src/apps/programs/mysql-server.ts';
import { specOf } from '../programs/specs.ts';
import { Street } from '../programs/street.ts';

const own = certificateFor(['mysql'], '1');
const other = certificateFor(['mysql'], '2');
const SPEC = specOf('mysql-server', { password: 'secret', rows: 20 });

let street: Street;

beforeEach(() => {
  street = new Street();
  street.house('mysql', '10.0.0.2');
  street.house('app', '10.0.0.3');
});
afterEach(() => street.end());

/** What a client is answered, or the code of its error. */
async function ask(ssl: { ca: string } | null, pieces = 0): Promise<unknown> {
  let answer: unknown = null;
  const running = street.start('app', async ({ net }) => {
    const stream = net.connect({ host: 'mysql', port: 3306, noDelay: true });
    const write = stream.write.bind(stream);
    if (pieces > 0) {
      // Each piece is a segment, wherever MySQL's packets and TLS's records end.
      stream.write = ((bytes: Buffer, ...more: never[]) => {
        for (let at = 0; at + pieces < bytes.length; at += pieces) write(bytes.subarray(at, at + pieces));
        const last = Math.floor((bytes.length - 1) / pieces) * pieces;
        return write(bytes.subarray(last), ...more);
      }) as typeof stream.write;
    }
    const client = await mysql
      .createConnection({
        host: 'mysql',
        user: 'app',
        password: 'secret',
        database: 'web_customer_tracker',
        connectTimeout: 0,
        stream: () => stream,
        ...(ssl === null ? {} : { ssl: { ...ssl, verifyIdentity: true } }),
      })
      .catch((error) => {
        answer = error.code;
        return null;
      });
    if (client === null) return;
    const [rows] = await client.query('SELECT email FROM customer WHERE id = ?', [7]);
    answer = (rows as { email: string }[])[0]?.email;
    await client.end();
  });
  await street.code(running, 60);
  return answer;
}

describe('with a certificate', () => {
  beforeEach(() => void street.start('mysql', mysqlServer(SPEC, own)));

  test.each([0, 1, 37])(
    'a client that asks for TLS is answered in it, in pieces of %i bytes',
    async (pieces) => {
      expect(await ask({ ca: own.cert }, pieces)).toMatch(/@example\.com$/);
    },
  );

  test.each([0, 1])(
    'a client that does not ask is answered without, in pieces of %i bytes',
    async (pieces) => {
      expect(await ask(null, pieces)).toMatch(/@example\.com$/);
    },
  );

  test('a client that trusts somebody else goes', async () => {
    expect(await ask({ ca: other.cert })).toMatch(/^[A-Z_]+$/);
  });
});

test('without a certificate a client that asks for TLS is told that there is none', async () => {
  street.start('mysql', mysqlServer(SPEC));
  expect(await ask({ ca: own.cert })).toBe('HANDSHAKE_NO_SSL_SUPPORT');
});
