// The `vxlab/doctor` subpath: what is wrong in a capture.

export type { Entry } from './catalogue.ts';
export { CATALOGUE } from './catalogue.ts';
export { Doctor } from './doctor.ts';
export type { Finding, Severity, Verdict } from './rule.ts';
export { EVIDENCE_MAX, SEVERITIES } from './rule.ts';
