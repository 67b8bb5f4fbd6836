/**
 * Sends findings to AWS Security Hub. Load this file on use only, so that a bundle holds one command of the
 * large client.
 */
import {
  type AwsSecurityFinding,
  BatchImportFindingsCommand,
  type BatchImportFindingsResponse,
  SecurityHubClient,
} from '@aws-sdk/client-securityhub';
import { AuditError, isTransientOfAws, messageOf } from '../model/errors.ts';
import { forEachLimited } from '../model/limit.ts';
import type { ProductArn } from './security-hub.ts';

export type FindingImporter = {
  readonly productArn: ProductArn;
  /**
   * Imports findings in the given order.
   *
   * @param signal - stops the import, whatever is left
   * @throws AuditError ALERT if any was refused; not retryable if time ran out
   */
  import(findings: readonly AwsSecurityFinding[], signal?: AbortSignal): Promise<void>;
};

/** Per call. Texts are short, so a finding never reaches the limit of 240 kB. */
const BATCH = 100;
/** Parallel calls; AWS allows ten per second. */
const AT_ONCE = 4;
/** Named in an error. */
const NAMED = 5;

type Failed = NonNullable<BatchImportFindingsResponse['FailedFindings']>;

/** Imports findings into AWS Security Hub. All methods throw AuditError ALERT. */
export class SecurityHubImporter implements FindingImporter {
  readonly productArn: ProductArn;

  constructor(productArn: ProductArn) {
    this.productArn = productArn;
  }

  async import(findings: readonly AwsSecurityFinding[], signal?: AbortSignal): Promise<void> {
    if (findings.length === 0) return;
    const region = this.productArn.split(':')[3];
    const client = new SecurityHubClient({ maxAttempts: 5, ...(region ? { region } : {}) });
    const failed: Failed = [];
    let sent = 0;
    try {
      const batches = Array.from({ length: Math.ceil(findings.length / BATCH) }, (_, n) =>
        findings.slice(n * BATCH, (n + 1) * BATCH),
      );
      await forEachLimited(batches, AT_ONCE, async (Findings) => {
        if (signal?.aborted === true) return;
        const command = new BatchImportFindingsCommand({ Findings });
        const { FailedFindings = [] } = await client.send(
          command,
          signal === undefined ? {} : { abortSignal: signal },
        );
        failed.push(...FailedFindings);
        sent += Findings.length;
      });
    } catch (error) {
      if (signal?.aborted !== true) throw this.#refused(messageOf(error), isTransientOfAws(error), error);
    } finally {
      client.destroy();
    }
    if (sent < findings.length) throw this.#late(findings.length - sent, findings.length, failed);
    if (failed.length > 0) throw this.#refused(wordsOf(failed), failed.every(isTransient));
  }

  /** Not retryable: with the same time limit, a second try would get no further. */
  #late(left: number, all: number, failed: Failed): AuditError {
    return new AuditError(
      'ALERT',
      `${this.productArn} did not take all findings in time: ${left} of ${all} are left for the next ` +
        `run${failed.length === 0 ? '' : `; and it refused ${wordsOf(failed)}`}`,
      {
        remedy:
          'New findings were sent first, the worst ones before the rest. The next run sends those that are ' +
          'still open; the report has all of them.',
      },
    );
  }

  #refused(words: string, retryable: boolean, cause?: unknown): AuditError {
    return new AuditError('ALERT', `${this.productArn} did not take all findings: ${words}`, {
      cause,
      retryable,
      remedy: retryable
        ? 'Security Hub was asked several times; the same findings are sent again with the next try.'
        : 'Enable Security Hub in this account and region, and allow securityhub:BatchImportFindings; the ' +
          'next audit sends what is open again.',
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
