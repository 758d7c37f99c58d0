// Where an HTTP/1 message ends and the next begins (RFC 9112 s.6), in segments of any size, over gaps, and when the connection
// becomes another protocol's.

import { describe, expect, test } from 'vitest';
import { crlf, heard, OK, request, response } from './http-talk.ts';
import type { Turn } from './overhear.ts';
import { lines, only, overhear, played } from './overhear.ts';

describe('where a message ends', () => {
  const chunked = (type = 'text/plain'): string =>
    `HTTP/1.1 200 OK\nContent-Type: ${type}\nTransfer-Encoding: chunked`;

  test('chunks, with extensions and trailers; a second message in the same connection', () => {
    const body = crlf('5\nhello\n7;x=y\n, world\n0\nX-Trailer: 1\n\n');
    expect(
      heard(request('GET / HTTP/1.1'), response(chunked(), body), request('GET /2 HTTP/1.1'), OK),
    ).toEqual([
      '> content request: GET /',
      '< content response: 200 OK',
      '< content response body: hello, world',
      '> content request: GET /2',
      '< content response: 200 OK',
    ]);
  });

  test('a secret that is cut by a chunk is whole', () => {
    const body = crlf('e\n{"password":"a\n4\nbc"}\n0\n\n');
    expect(heard(response(chunked('application/json'), body)).at(-1)).toBe(
      '< secret JSON field password: abc',
    );
  });

  test('very many chunks, more than are kept', () => {
    const body = `${crlf('a\n0123456789\n').repeat(9000)}${crlf('0\n\n')}`;
    const told = heard(response(chunked(), body), OK);
    expect(told).toHaveLength(3);
    expect(told[1]).toMatch(/^< content response body: 0123456789/);
    expect(told[2]).toBe('< content response: 200 OK');
  });

  test('one chunk of a megabyte', () => {
    const body = `${crlf('100000\n')}${'x'.repeat(0x100000)}${crlf('\n0\n\n')}`;
    const told = heard(response(chunked(), body), response('HTTP/1.1 404 Not Found\nContent-Length: 0'));
    expect(told.at(-1)).toBe('< content response: 404 Not Found');
  });

  test('without a length the body ends with the connection', () => {
    expect(heard(request('GET / HTTP/1.0'), response('HTTP/1.0 200 OK', 'all of it'))).toEqual([
      '> content request: GET /',
      '< content response: 200 OK',
      '< content response body: all of it',
    ]);
  });

  test('HEAD, 1xx, 204 and 304 have no body', () => {
    const length = 'Content-Length: 500';
    expect(
      heard(
        request('HEAD / HTTP/1.1'),
        response(`HTTP/1.1 200 OK\n${length}`),
        request('POST / HTTP/1.1\nExpect: 100-continue\nContent-Length: 2', 'hi'),
        response('HTTP/1.1 100 Continue'),
        response('HTTP/1.1 204 No Content'),
        request('GET / HTTP/1.1'),
        response(`HTTP/1.1 304 Not Modified\n${length}`),
        OK,
      ).filter((line) => line.startsWith('<')),
    ).toEqual([
      '< content response: 200 OK',
      '< content response: 100 Continue',
      '< content response: 204 No Content',
      '< content response: 304 Not Modified',
      '< content response: 200 OK',
    ]);
  });

  test('requests one behind the other before any answer', () => {
    const head = 'HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n';
    const told = heard(
      ['>', head],
      response('HTTP/1.1 200 OK\nContent-Length: 9'),
      response('HTTP/1.1 200 OK\nContent-Length: 2', 'ok'),
    );
    expect(told.filter((line) => line.startsWith('>'))).toHaveLength(2);
    expect(told.at(-1)).toBe('< content response body: ok');
  });

  test.each([1, 2, 3, 7, 100])('cut anywhere: segments of %i bytes', (size) => {
    const turns: Turn[] = [
      request(
        'POST /a HTTP/1.1\nHost: h.example\nCookie: a=b\nContent-Type: application/json\nContent-Length: 18',
        '{"password":"1234"',
      ),
      response(chunked(), crlf('3\nabc\n0\n\n')),
      request('GET /b HTTP/1.1'),
      OK,
    ];
    const whole = lines(only(overhear(played(8080, turns))).readings);
    expect(whole).toHaveLength(9);
    expect(lines(only(overhear(played(8080, turns, size))).readings)).toEqual(whole);
  });
});

describe('gaps', () => {
  const body = 'x'.repeat(10_000);
  const script = (): ReturnType<typeof played> =>
    played(
      8080,
      [
        request('GET /1 HTTP/1.1'),
        response('HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 10000', body),
        request('GET /2 HTTP/1.1'),
        response('HTTP/1.1 201 Created\nContent-Length: 0'),
      ],
      1000,
    );

  test('in a body: the next message is heard', () => {
    const parcels = script().filter((_, i) => i !== 8);
    const told = lines(only(overhear(parcels)).readings);
    expect(told).toContain('> content request: GET /2');
    expect(told.at(-1)).toBe('< content response: 201 Created');
    expect(only(overhear(parcels)).missing).toBe(1000);
  });

  test('in a head: what is left is looked through for the next message', () => {
    const parcels = script().filter((_, i) => i !== 4);
    expect(lines(only(overhear(parcels)).readings).at(-1)).toBe('< content response: 201 Created');
  });

  test('a capture that begins in the middle of a body', () => {
    const parcels = script().slice(7);
    const told = lines(only(overhear(parcels)).readings);
    expect(told).toContain('> content request: GET /2');
    expect(told).toContain('< content response: 201 Created');
  });
});

describe('other protocols inside', () => {
  test('CONNECT hands over to what is inside', () => {
    const one = only(
      overhear(
        played(3128, [
          request('CONNECT mail.example:25 HTTP/1.1\nProxy-Authorization: Basic YTpi'),
          response('HTTP/1.1 200 Connection established'),
          request('GET /inside HTTP/1.1\nHost: inner.example'),
          OK,
        ]),
      ),
    );
    expect(lines(one.readings)).toContain('> content request: GET /inside');
  });

  test('an upgrade to what nobody knows is opaque from there', () => {
    const one = only(
      overhear(
        played(80, [
          request('GET /ws HTTP/1.1\nUpgrade: websocket\nConnection: Upgrade'),
          response('HTTP/1.1 101 Switching Protocols\nUpgrade: websocket'),
          ['>', new Uint8Array(300).map((_, i) => (i * 151) & 0xff)],
        ]),
      ),
    );
    expect(one.protocol).toBe('HTTP');
    expect(one.opaque?.bytes).toBe(300);
  });

  test('HTTP/2 without TLS is named', () => {
    const one = only(overhear(played(8080, [['>', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0']])));
    expect(one).toMatchObject({ protocol: 'HTTP/2' });
    expect(one.opaque).not.toBeNull();
  });
});
