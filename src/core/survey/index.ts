// The `vxlab/survey` subpath: what a capture holds, counted.

export type { FileFacts, InspectDocument } from './document.ts';
export { fileFacts, inspectDocument } from './document.ts';
export type { Endpoint, FlowCount, FlowEnd, Listed, Overview, TunnelCount, VniCount } from './overview.ts';
export { overviewOf } from './overview.ts';
export type { SurveyOptions } from './survey.ts';
export { MAX_FLOWS, Survey } from './survey.ts';
