/** Writes deploy/discovered-account.yaml: run `npm run generate` after a change to lib/infra/account-template.ts. */
import { writeFileSync } from 'node:fs';
import { accountTemplate } from '../lib/infra/account-template.ts';

writeFileSync(new URL('../deploy/discovered-account.yaml', import.meta.url), accountTemplate());
