/** What `import { NetnsAuditor } from 'netns-auditor'` gives: the construct, and nothing else is promised to stay. */
export { NetnsAuditor, type NetnsAuditorProps, type NetworkProps } from './lib/infra/netns-auditor.ts';
