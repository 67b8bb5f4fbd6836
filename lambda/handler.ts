/**
 * Shared by all functions: logs, metrics, checked input and output, and errors that the state machine
 * distinguishes.
 */
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics } from '@aws-lambda-powertools/metrics';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { openStore } from '../lib/audit/stores.ts';
import type { Store } from '../lib/history/index.ts';
import { AuditError, messageOf } from '../lib/model/errors.ts';
import { printable } from '../lib/model/printable.ts';
import { withRemedy } from '../lib/model/text.ts';

export const logger = new Logger({ serviceName: 'netns-auditor' });
export const functionMetrics = new Metrics({ namespace: 'NetnsAuditor', serviceName: 'netns-auditor' });

const environmentSchema = z.object({
  STORE: z.string().startsWith('s3://'),
  AUDITOR_VERSION: z.string(),
  TOPIC_ARN: z.string().default(''),
  PRODUCT_ARN: z.string().default(''),
  EVENTS: z.literal('on').optional(),
  HTTPS_FORMAT: z.enum(['json', 'chat']).default('json'),
  AWS_REGION: z.string(),
});

/** Part of a function's time, reserved to remove pods, write results and answer. */
const RESERVE_MILLISECONDS = 45_000;

/** Aborted while there is still time to clean up. */
export function timeFor(context: Context): AbortSignal {
  return AbortSignal.timeout(Math.max(1_000, context.getRemainingTimeInMillis() - RESERVE_MILLISECONDS));
}

/** Opened once for all invocations of a sandbox. */
export function environment(): {
  store: Store;
  version: string;
  topicArn: string;
  /** Of Security Hub; empty where findings do not go there. */
  productArn: string;
  /** Whether each change goes to the default event bus. */
  events: boolean;
  /** What https subscriptions of the topic get. */
  https: 'json' | 'chat';
  region: string;
} {
  const { STORE, AUDITOR_VERSION, TOPIC_ARN, PRODUCT_ARN, EVENTS, HTTPS_FORMAT, AWS_REGION } =
    environmentSchema.parse(process.env);
  const store = openStore(STORE);
  if (store === null) throw new Error('STORE keeps nothing');
  return {
    store,
    version: AUDITOR_VERSION,
    topicArn: TOPIC_ARN,
    productArn: PRODUCT_ARN,
    events: EVENTS === 'on',
    https: HTTPS_FORMAT,
    region: AWS_REGION,
  };
}

/** Something in the store is left out: a warning in the log, as it ends nothing. */
export function logDamage({ message, remedy }: AuditError): void {
  logger.warn('damaged', { damage: printable(message), remedy: printable(remedy) });
}

/**
 * The errors of all clusters of a run are the input of its last state, which is at most 256 KiB; the log has
 * all of it.
 */
const LONGEST = 500;

/** Step Functions decides by the name: it retries Retryable, but not AuditError codes. */
class HandlerError extends Error {
  constructor(error: unknown) {
    const text = error instanceof AuditError ? withRemedy(error.message, error.remedy) : messageOf(error);
    super(text.slice(0, LONGEST));
    if (error instanceof AuditError) this.name = error.retryable ? 'Retryable' : error.code;
    else if (error instanceof Error) this.name = error.name;
    // The stack would show this line.
    this.stack = '';
  }
}

/** The function of one state: checks its event before, its answer after. */
export function makeHandler<Input extends z.ZodType, Output extends z.ZodType>(
  input: Input,
  output: Output,
  act: (event: z.output<Input>, context: Context) => Promise<z.output<Output>>,
) {
  return middy<unknown, z.output<Output>>()
    .use(injectLambdaContext(logger, { flushBufferOnUncaughtError: true, resetKeys: true }))
    .handler(async (event, context) => {
      try {
        return output.parse(await act(input.parse(event), context));
      } catch (error) {
        logger.error('failed', error instanceof Error ? error : new Error(String(error)));
        throw new HandlerError(error);
      } finally {
        // Its middleware would warn of each call without metrics.
        if (functionMetrics.hasStoredMetrics()) functionMetrics.publishStoredMetrics();
        functionMetrics.clearDimensions();
      }
    });
}
