/** Writes the policies in deploy/ from the pods that they admit: run `npm run generate` after a change to those. */
import { writeFileSync } from 'node:fs';
import { admissionPolicy, repairAdmissionPolicy } from './admission-policy.ts';
import { earlierProbe } from './earlier-probe.ts';

writeFileSync(new URL('../deploy/admission-policy.yaml', import.meta.url), admissionPolicy(earlierProbe()));
writeFileSync(new URL('../deploy/remediate-admission-policy.yaml', import.meta.url), repairAdmissionPolicy());
