/** The way of findings into AWS Security Hub. Load this file where it is used: so a bundle has of the large client one command. */
import {
  type AwsSecurityFinding,
  BatchImportFindingsCommand,
  type BatchImportFindingsResponse,
  SecurityHubClient,
} from '@aws-sdk/client-securityhub';
import { AuditError, isTransientOfAws, messageOf } from '../model/errors.ts';
import type { ProductArn } from './security-hub.ts';

export type FindingImporter = {
  readonly productArn: ProductArn;
  /** @throws AuditError ALERT, if any of them was not taken */
  import(findings: readonly AwsSecurityFinding[]): Promise<void>;
};

/** Of one call; 240 kB a finding are never reached, as all texts are short. */
const BATCH = 100;
/** Named in an error. */
const NAMED = 5;

type Failed = NonNullable<BatchImportFindingsResponse['FailedFindings']>;

export class SecurityHubImporter implements FindingImporter {
  readonly productArn: ProductArn;

  constructor(productArn: ProductArn) {
    this.productArn = productArn;
  }

  async import(findings: readonly AwsSecurityFinding[]): Promise<void> {
    if (findings.length === 0) return;
    const region = this.productArn.split(':')[3];
    const client = new SecurityHubClient({ maxAttempts: 5, ...(region ? { region } : {}) });
    const failed: Failed = [];
    try {
      for (let start = 0; start < findings.length; start += BATCH) {
        const Findings = findings.slice(start, start + BATCH);
        const { FailedFindings = [] } = await client.send(new BatchImportFindingsCommand({ Findings }));
        failed.push(...FailedFindings);
      }
    } catch (error) {
      throw this.#refused(messageOf(error), isTransientOfAws(error), error);
    } finally {
      client.destroy();
    }
    if (failed.length > 0) throw this.#refused(wordsOf(failed), failed.every(isTransient));
  }

  #refused(words: string, retryable: boolean, cause?: unknown): AuditError {
    return new AuditError('ALERT', `${this.productArn} did not take all findings: ${words}`, {
      cause,
      retryable,
      remedy: retryable
        ? 'Security Hub was asked several times; the same findings are sent again with the next try.'
        : 'Enable Security Hub in this account and region, and allow securityhub:BatchImportFindings; the next audit sends what is open again.',
    });
  }
}

function isTransient({ ErrorCode = '' }: Failed[number]): boolean {
  return /Throttl|Internal|LimitExceeded/.test(ErrorCode);
}

function wordsOf(failed: Failed): string {
  const named = failed
    .slice(0, NAMED)
    .map(({ Id, ErrorCode, ErrorMessage }) => `${Id}: ${ErrorCode}: ${ErrorMessage}`)
    .join('; ');
  return failed.length > NAMED ? `${named}; and ${failed.length - NAMED} more` : named;
}
