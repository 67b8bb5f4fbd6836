import type { AnyCheck } from '../define.ts';
import { awsEniTableIncomplete } from './aws-eni-table-incomplete.ts';
import { awsMarkIncomplete } from './aws-mark-incomplete.ts';
import { awsRuleDetached } from './aws-rule-detached.ts';
import { awsRuleLeaked } from './aws-rule-leaked.ts';
import { awsRuleMissing } from './aws-rule-missing.ts';
import { awsVlanMissing } from './aws-vlan-missing.ts';

export const awsChecks: readonly AnyCheck[] = [
  awsRuleMissing,
  awsMarkIncomplete,
  awsEniTableIncomplete,
  awsVlanMissing,
  awsRuleLeaked,
  awsRuleDetached,
];
