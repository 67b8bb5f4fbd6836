/** Sends a message to each destination: none misses it because another is down. */
import type { Message, Notifier, Undelivered } from '../alert/index.ts';
import { AuditError, messageOf } from '../model/errors.ts';
import { isAtLeast, severities } from '../model/finding.ts';

export type Delivery = {
  readonly ids: readonly string[];
  /** Destinations that accepted it. */
  readonly takers: readonly string[];
  readonly undelivered: readonly Undelivered[];
  readonly failures: readonly AuditError[];
};

export const NOTHING: Delivery = { ids: [], takers: [], undelivered: [], failures: [] };

/**
 * Sends news to the destinations that want it.
 *
 * @throws AuditError ALERT where some destination wants it and none accepted it: a later run reports it
 *   again, as of its time
 */
export async function deliverNews(notifiers: readonly Notifier[], message: Message): Promise<Delivery> {
  const wanting = notifiers.filter(
    ({ takes, minSeverity }) => takes !== 'state' && wants(minSeverity, message.attributes.severity),
  );
  const results = await Promise.all(wanting.map((notifier) => attempt(notifier, message)));
  const failures = results.flatMap(({ failure }) => (failure === null ? [] : [failure]));
  if (failures.length > 0 && failures.length === wanting.length) assertDelivered(failures);
  const { alerts, ...kept } = message;
  const taken = results.filter(({ failure }) => failure === null);
  return {
    ids: taken.map(({ id }) => id),
    takers: taken.map(({ to }) => to),
    undelivered: results.flatMap(({ to, failure }) =>
      failure === null ? [] : [{ to, message: { ...kept, attributes: copied(kept.attributes) } }],
    ),
    failures,
  };
}

/**
 * Sends what destinations did not accept before, oldest first; drops messages for destinations no longer
 * configured.
 */
export async function deliverLate(
  notifiers: readonly Notifier[],
  late: readonly Undelivered[],
): Promise<Pick<Delivery, 'undelivered' | 'failures'>> {
  const undelivered: Undelivered[] = [];
  const failures: AuditError[] = [];
  for (const notifier of notifiers) {
    let isAway = false;
    for (const each of late.filter(({ to }) => to === notifier.destination)) {
      // The order stays, and a server that is down is asked once.
      if (!isAway) {
        const { failure }: Attempt = await attempt(notifier, { ...each.message, alerts: [] });
        if (failure === null) continue;
        failures.push(failure);
        isAway = true;
      }
      undelivered.push(each);
    }
  }
  return { undelivered, failures };
}

/** Sends open findings to destinations that keep state, with or without news. */
export async function deliverState(notifiers: readonly Notifier[], message: Message): Promise<AuditError[]> {
  const keepers = notifiers.filter(({ takes }) => takes === 'state');
  const results = await Promise.all(keepers.map((notifier) => attempt(notifier, message)));
  return results.flatMap(({ failure }) => (failure === null ? [] : [failure]));
}

/** @throws AuditError ALERT, which names each destination that failed */
export function assertDelivered(failures: readonly AuditError[]): void {
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first;
  throw new AuditError('ALERT', [...new Set(failures.map(({ message }) => message))].join('\n'), {
    cause: failures,
    retryable: failures.some(({ retryable }) => retryable),
    remedy: [...new Set(failures.map(({ remedy }) => remedy))].join('\n'),
  });
}

type Attempt = { readonly to: string; readonly id: string; readonly failure: AuditError | null };

async function attempt(notifier: Notifier, message: Message): Promise<Attempt> {
  const to = notifier.destination;
  try {
    return { to, id: await notifier.send(message), failure: null };
  } catch (error) {
    const failure =
      error instanceof AuditError
        ? error
        : new AuditError('ALERT', `${to} did not take the message: ${messageOf(error)}`, {
            cause: error,
            remedy: 'This is a bug in netns-auditor: please report it.',
          });
    return { to, id: '', failure };
  }
}

function wants(minSeverity: Notifier['minSeverity'], worst: string): boolean {
  const severity = severities.find((each) => each === worst);
  return minSeverity === undefined || severity === undefined || isAtLeast(severity, minSeverity);
}

function copied(attributes: Message['attributes']): Undelivered['message']['attributes'] {
  return { ...attributes, checks: [...attributes.checks] };
}
