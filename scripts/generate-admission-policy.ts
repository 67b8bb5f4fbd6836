/** Writes deploy/admission-policy.yaml from the pods that it admits: run it with `npm run generate` after a change to them. */
import { writeFileSync } from 'node:fs';
import { admissionPolicy } from './admission-policy.ts';

writeFileSync(new URL('../deploy/admission-policy.yaml', import.meta.url), admissionPolicy());
