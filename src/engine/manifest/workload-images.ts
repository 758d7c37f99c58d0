// What an image's name says about what it runs, where the file does not say it (docs/workloads.md has the table).
//
// A reference is [registry[:port]/]path/name[:tag][@digest] (distribution/reference). Only the last part of the path counts,
// and only how it ends: `bitnami/apache`, `myapache:10` and `localhost:5000/php-apache` are all an Apache.

/** A tier of the lecture's stack. */
export type Tier = 'web' | 'app' | 'database';

const TIERS: readonly (readonly [RegExp, Tier])[] = [
  [/(httpd|apache2?|nginx|caddy)$/, 'web'],
  [/(tomcat|jetty)$/, 'app'],
  // PostgreSQL, SQL Server and what is called NoSQL speak other protocols.
  [/(?<!postgre|pg|ms|no)sql$/, 'database'],
  [/(mariadb|percona)$/, 'database'],
];

/** @returns null for an image that nothing is known about */
export function tierOf(image: string): Tier | null {
  const name = imageName(image).replace(/-server$/, '');
  return TIERS.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/** `nginx` of `registry.example:5000/library/nginx:1.27@sha256:...`, in lower case. */
export function imageName(image: string): string {
  const path = image.replace(/@.*$/, '');
  return path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/:.*$/, '')
    .toLowerCase();
}
