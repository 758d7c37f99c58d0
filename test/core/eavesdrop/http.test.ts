// HTTP as RFC 9110 and RFC 9112 have it: what is told, what is kept apart as secret, and what is not claimed.

import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { http } from '../../../src/core/eavesdrop/protocols/http.ts';
import { crlf, heard, OK, request, response } from './http-talk.ts';
import type { Turn } from './overhear.ts';
import { bytesAt, only, overhear, played } from './overhear.ts';

describe('who lets himself in', () => {
  test.each([
    ['Authorization: Basic YWxpY2U6UzNjcjN0', 'secret Basic credentials: alice / S3cr3t'],
    ['authorization: basic OnB3', 'secret Basic credentials: pw'],
    ['Authorization: Basic dGVzdDoxOjM0', 'secret Basic credentials: test / 1:34'],
    ['Proxy-Authorization: Basic YTpi', 'secret Basic credentials for the proxy: a / b'],
    ['Authorization: Bearer eyJhbGciOi.x.y', 'secret Bearer token: eyJhbGciOi.x.y'],
    [
      'Authorization: Digest username="Mufasa", realm="testrealm@host.com", nonce="d", uri="/", response="6629"',
      'challenge Digest answer: Mufasa at testrealm@host.com / username="Mufasa", realm="testrealm@host.com", nonce="d", uri="/", response="6629"',
    ],
    ['X-Api-Key: 12345', 'secret header x-api-key: 12345'],
    ['PRIVATE-TOKEN: glpat-1', 'secret header private-token: glpat-1'],
    [
      'Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=5d67',
      'identity AWS access key id: AKIDEXAMPLE',
    ],
    // The message of [MS-NLMP] s.4.2.2.3, as other implementations test themselves with it.
    [
      'Authorization: NTLM TlRMTVNTUAADAAAAGAAYAGwAAAAYABgAhAAAAAwADABIAAAACAAIAFQAAAAQABAAXAAAABAAEACcAAAANYKK4gUBKAoAAAAPRABvAG0AYQBpAG4AVQBzAGUAcgBDAE8ATQBQAFUAVABFAFIAmN73yslTyzhcxXjIj5mIdU3Xno8/XimcZ8TZI4EZaBWffzgHv3vp+8UYOdfeA60RxR24gsxVIUrk21uSA2hAcw==',
      'challenge NTLM answer: Domain\\User / 67c4d923811968159f7f3807bf7be9fbc51839d7de03ad11',
    ],
    ['Authorization: Token abc', 'secret Token credentials: abc'],
  ])('%s', (header, told) => {
    expect(heard(request(`GET / HTTP/1.1\n${header}`))).toEqual(['> content request: GET /', `> ${told}`]);
  });

  test.each([
    ['what is no base64', 'Authorization: Basic !!!'],
    ['no colon in it', 'Authorization: Basic YWxpY2U='],
    ['nothing behind the scheme', 'Authorization: Basic'],
    ['the first message of NTLM', 'Authorization: Negotiate TlRMTVNTUAABAAAAB4IIAA=='],
    ['an empty value', 'X-Api-Key:'],
    ['a header that only looks like one', 'X-Authorization: Basic YWxpY2U6UzNjcjN0'],
  ])('nothing is claimed: %s', (_what, header) => {
    expect(heard(request(`GET / HTTP/1.1\n${header}`))).toEqual(['> content request: GET /']);
  });

  test('cookies, each by its name, both ways, and once', () => {
    const ask = request('GET / HTTP/1.1\nCookie: sid=abc; theme="dark"; empty=; odd');
    const answer = response(
      'HTTP/1.1 200 OK\nContent-Length: 0\nSet-Cookie: sid=def; Path=/; HttpOnly\nSet-Cookie: a=b',
    );
    expect(heard(ask, answer, ask, answer).filter((line) => line.includes('cookie'))).toEqual([
      '> secret cookie sid: abc',
      '> secret cookie theme: "dark"',
      '< secret cookie sid: def',
      '< secret cookie a: b',
    ]);
  });

  test('a password in a URL, and in a query', () => {
    expect(
      heard(request('GET http://joe:p%40ss@example.com/a?user=joe&api_key=k1&csrf_token=t&q=x HTTP/1.1')),
    ).toEqual([
      '> content request: GET http://joe:***@example.com/a?user=joe&api_key=***&csrf_token=t&q=x',
      '> secret password in a URL: joe / p@ss',
      '> secret query field api_key: k1',
    ]);
  });
});

describe('bodies', () => {
  test.each([
    ['user=bob&password=a%26b+c', 'form: user=bob&password=***', 'bob / a&b c', 'password'],
    [
      'login[email]=x%40y.z&login[password]=1',
      'form: login[email]=x@y.z&login[password]=***',
      'x@y.z / 1',
      'login[password]',
    ],
    ['j_username=u&j_password=p', 'form: j_username=u&j_password=***', 'u / p', 'j_password'],
    ['newPassword=p1', 'form: newPassword=***', 'p1', 'newPassword'],
  ])('a form: %s', (body, form, secret, field) => {
    const head = `POST /login HTTP/1.1\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\nContent-Length: ${body.length}`;
    const told = heard(request(head, body));
    expect(told[1]).toBe(`> content ${form}`);
    expect(told.at(-1)).toBe(`> secret form field ${field}: ${secret}`);
  });

  test('a form without a secret has none', () => {
    const body = 'passenger=1&tokens=3&keyboard=qwerty&compass=n';
    const head = `POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\nContent-Length: ${body.length}`;
    expect(heard(request(head, body))).toEqual(['> content request: POST /', `> content form: ${body}`]);
  });

  test('JSON, with escapes, both ways', () => {
    const ask = '{"user":{"login":"ann","password":"p\\u00e4\\"ss"},"n":1}';
    const answer = '{"access_token": "tok", "expires": 3600}';
    const json = 'Content-Type: application/json';
    expect(
      heard(
        request(`POST /login HTTP/1.1\n${json}\nContent-Length: ${ask.length}`, ask),
        response(`HTTP/1.1 200 OK\n${json}\nContent-Length: ${answer.length}`, answer),
      ),
    ).toEqual([
      '> content request: POST /login',
      '> content request JSON: {"user":{"login":"ann","password":"***"},"n":1}',
      '> identity JSON field login: ann',
      '> secret JSON field password: ann / pä"ss',
      '< content response: 200 OK',
      '< content response JSON: {"access_token": "***", "expires": 3600}',
      '< secret JSON field access_token: tok',
    ]);
  });

  test('multipart: small fields, and of a file its name', () => {
    const body = crlf(
      '--XyZ\nContent-Disposition: form-data; name="user"\n\neve\n--XyZ\nContent-Disposition: form-data; name="passwd"\n\nhush\n--XyZ\nContent-Disposition: form-data; name="up"; filename="a.txt"\nContent-Type: text/plain\n\nfile text\n--XyZ--\n',
    );
    const head = `POST /up HTTP/1.1\nContent-Type: multipart/form-data; boundary=XyZ\nContent-Length: ${body.length}`;
    expect(heard(request(head, body)).slice(1)).toEqual([
      '> content form: user=eve&passwd=***&up=a.txt',
      '> identity form field user: eve',
      '> secret form field passwd: eve / hush',
    ]);
  });

  test.each([
    ['gzip', gzipSync('{"password":"zipped"}')],
    ['deflate', deflateSync('{"password":"zipped"}')],
  ])('packed with %s', (packing, bytes) => {
    const head = `HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Encoding: ${packing}\nContent-Length: ${bytes.length}`;
    const told = heard(request('GET / HTTP/1.1'), response(head, bytes.toString('latin1')));
    expect(told.at(-1)).toBe('< secret JSON field password: zipped');
  });

  test('packed with what nobody unpacks is named and not shown', () => {
    const told = heard(response('HTTP/1.1 200 OK\nContent-Encoding: br\nContent-Length: 4', 'abcd'));
    expect(told.at(-1)).toBe('< content response body packed with br: ');
  });

  test('pictures are passed over', () => {
    const told = heard(
      request('GET /a.png HTTP/1.1'),
      response('HTTP/1.1 200 OK\nContent-Type: image/png\nContent-Length: 20', '\x89PNG'.padEnd(20, 'x')),
      request('GET /b HTTP/1.1'),
    );
    expect(told).toEqual([
      '> content request: GET /a.png',
      '< content response: 200 OK',
      '> content request: GET /b',
    ]);
  });

  test('of a long body the beginning is told, and what follows it is heard', () => {
    const told = heard(
      request('GET / HTTP/1.1'),
      response('HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 200000', 'long '.repeat(40_000)),
      request('GET /next HTTP/1.1'),
      OK,
    );
    expect(told[2]).toMatch(/^< content response body: long long/);
    expect(told.slice(3)).toEqual(['> content request: GET /next', '< content response: 200 OK']);
  });
});

describe('what is no HTTP', () => {
  test.each([
    ['text with a method in it', 'GET the milk\nGET the bread\n'],
    ['SIP', 'OPTIONS sip:a@b SIP/2.0\r\n\r\n'],
    ['RTSP', 'OPTIONS rtsp://h/ RTSP/1.0\r\nAuthorization: Basic YTpi\r\n\r\n'],
    ['a page about HTTP', 'see: GET / HTTP/1.1\r\nAuthorization: Basic YTpi\r\n\r\n'],
  ])('%s', (_what, text) => {
    const one = only(overhear(played(12_345, [['>', text]]), { protocols: [http(null)] }));
    expect(one.protocol).not.toBe('HTTP');
    expect(one.readings.filter(({ kind }) => kind === 'secret')).toEqual([]);
  });

  test('a log-in in a page is content of the page', () => {
    const page = crlf('POST /login HTTP/1.1\nAuthorization: Basic YTpi\n\nuser=a&password=b');
    const told = heard(
      request('GET /howto.txt HTTP/1.1'),
      response(`HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: ${page.length}`, page),
    );
    expect(told.filter((line) => line.includes('secret'))).toEqual([]);
  });
});

test('a secret stands where it is said to, in segments of every size', () => {
  const body = '{"password":"tr0ub4dor"}';
  const turns: Turn[] = [
    request(
      `POST /a?token=tok3n HTTP/1.1\nHost: h\nCookie: sid=c00kie\nX-Api-Key: k3y\nContent-Type: application/json\nContent-Length: ${body.length}`,
      body,
    ),
  ];
  for (let size = 10; size < 300; size += 7) {
    const heardNow = overhear(played(8080, turns, size));
    const secrets = only(heardNow).readings.filter(({ kind }) => kind === 'secret');
    expect(secrets.map(({ secret }) => secret)).toEqual(['tok3n', 'c00kie', 'k3y', 'tr0ub4dor']);
    for (const reading of secrets) {
      const bytes = bytesAt(heardNow, reading);
      expect(reading.secret.startsWith(bytes) && bytes.length > 0).toBe(true);
      expect(reading.length).toBe(reading.secret.length);
    }
  }
});
