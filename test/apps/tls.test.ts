import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import * as nodeTls from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { containerHttps, containerTls } from '../../src/apps/tls.ts';
import type { Box } from './ground.ts';
import { Boxes, GROUNDS } from './ground.ts';

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url));
const cert = fixture('cert.pem');
const key = fixture('key.pem');

describe.each(GROUNDS)('over TCP of %s', (ground) => {
  let boxes: Boxes;
  let a: Box;
  let b: Box;

  beforeEach(() => {
    boxes = new Boxes(ground);
    a = boxes.box('a', '10.0.0.1');
    b = boxes.box('b', '10.0.0.2');
  });

  afterEach(() => boxes.end());

  async function text(stream: Readable): Promise<string> {
    let all = '';
    for await (const chunk of stream) all += chunk;
    return all;
  }

  describe("Node's tls over a container's connections", () => {
    test("tls.connect({ socket }) and tls.createServer().emit('connection')", async () => {
      const secured = nodeTls.createServer({ cert, key }, (socket) => socket.end(`${socket.getProtocol()}`));
      b.net.createServer((socket) => secured.emit('connection', socket)).listen(443);
      const socket = nodeTls.connect({ socket: a.net.connect(443, 'b'), ca: cert, servername: 'b' });
      await boxes.pace.until(once(socket, 'secureConnect'));
      expect(socket.authorized).toBe(true);
      expect(await boxes.pace.until(text(socket))).toBe('TLSv1.3');
    });

    test('new TLSSocket(socket, { isServer: true }) echoes a megabyte', async () => {
      const secureContext = nodeTls.createSecureContext({ cert, key });
      b.net
        .createServer((raw) => {
          const socket = new nodeTls.TLSSocket(raw, { isServer: true, secureContext });
          socket.pipe(socket);
        })
        .listen(443);
      const socket = nodeTls.connect({ socket: a.net.connect(443, 'b'), ca: cert, servername: 'b' });
      socket.end('0123456789'.repeat(100_000));
      expect((await boxes.pace.until(text(socket))).length).toBe(1_000_000);
    });

    test('a name that the certificate does not have, and a server that speaks no TLS', async () => {
      b.net
        .createServer((raw) => {
          const socket = new nodeTls.TLSSocket(raw, {
            isServer: true,
            secureContext: nodeTls.createSecureContext({ cert, key }),
          });
          socket.on('error', () => {});
        })
        .listen(443);
      b.net
        .createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'))
        .listen(80);
      const tls = containerTls(a.net);
      const [altname] = await boxes.pace.until(
        once(tls.connect(443, 'b', { ca: cert, servername: 'x' }), 'error'),
      );
      expect(altname.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
      const [plain] = await boxes.pace.until(once(tls.connect(80, 'b', { ca: cert }), 'error'));
      expect(plain.code).toBe('ERR_SSL_WRONG_VERSION_NUMBER');
      const [refused] = await boxes.pace.until(once(tls.connect(444, 'b', { ca: cert }), 'error'));
      expect(refused.message).toBe('connect ECONNREFUSED 10.0.0.2:444');
    });

    test('https: server, request and agent of the container', async () => {
      const server = containerHttps(b.site, b.net, b.http, containerTls(b.net));
      server
        .createServer({ cert, key }, (request, response) =>
          response.end(`${request.url} ${request.socket.remotePort}`),
        )
        .listen(443);
      const client = containerHttps(a.site, a.net, a.http, containerTls(a.net));
      const agent = new client.Agent({ keepAlive: true, maxSockets: 1 });
      const get = async (path: string): Promise<[string, string | undefined]> => {
        const request = client.get(`https://b${path}`, { ca: cert, agent });
        const [answer] = (await once(request, 'response')) as [IncomingMessage];
        return [await text(answer), answer.headers.date];
      };
      const [one, date] = await boxes.pace.until(get('/one'));
      const [two] = await boxes.pace.until(get('/two'));
      expect(date).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
      expect(one.split(' ')[1]).toBe(two.split(' ')[1]);
      agent.destroy();
    });
  });
});
