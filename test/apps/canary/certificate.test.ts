import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { certificateFor } from '../../../src/apps/canary/certificate.ts';

describe('a certificate made on the spot', () => {
  test('is one that OpenSSL reads: its names, its key, its own signature, good today', () => {
    const { cert, key } = certificateFor(['appserver', 'mysql'], '1');
    const read = new X509Certificate(cert);
    expect(read.subjectAltName).toBe('DNS:appserver, DNS:mysql');
    expect([read.checkHost('mysql'), read.checkHost('other')]).toEqual(['mysql', undefined]);
    expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.publicKey.asymmetricKeyType).toBe('ed25519');
    expect(new Date(read.validFrom).getTime()).toBeLessThan(Date.now());
    expect(new Date(read.validTo).getTime()).toBeGreaterThan(Date.now());
  });

  test('is the same for the same seed and names, and another for others', () => {
    const one = certificateFor(['a'], '1');
    expect(certificateFor(['a'], '1')).toEqual(one);
    expect(certificateFor(['a'], '2').key).not.toBe(one.key);
    expect(certificateFor(['b'], '1').cert).not.toBe(one.cert);
  });

  test('holds many names: lengths of more than a byte', () => {
    const names = Array.from({ length: 40 }, (_, i) => `service-number-${i}`);
    const read = new X509Certificate(certificateFor(names, '1').cert);
    expect(read.subjectAltName?.split(', ')).toHaveLength(40);
    expect(read.verify(read.publicKey)).toBe(true);
  });
});
