import { exceptionInWords, exceptionObject } from '../../computed/exception-object.ts';
import { defineClusterCheck, fail, pass } from '../define.ts';
import { repair } from '../remedies/steps.ts';

/** After its last day an exception's findings count again; this finding tells its owner why. */
export const exceptionExpired = defineClusterCheck({
  id: 'exception-expired',
  topic: 'audit',
  severity: 'low',
  title: 'No exception is past its last day',
  failureTitle: 'Exception has expired',
  why:
    'The findings that it covered count and are reported again. An expired exception also means that ' +
    'nobody has decided since: repair the fault, or renew the exception.',
  run({ exceptions }) {
    return exceptions.map((use) => {
      const { exception, expired, covers } = use;
      const object = exceptionObject(exception);
      if (!expired) return pass(object);
      return fail(object, {
        detail:
          `${exceptionInWords(exception)} ended after ${exception.expires}. ` +
          `${covers.length === 0 ? 'Nothing that it covered was found.' : `It no longer covers ${covers.join(', ')}.`}`,
        confidence: 'confirmed',
        evidence: [
          {
            what: 'last day',
            expected: 'today or later',
            actual: exception.expires,
            source: 'configuration: exceptions[].expires',
          },
        ],
        remedy: [
          repair(
            covers.length === 0
              ? 'Take it out of the configuration.'
              : `Repair what it covered and take it out of the configuration, or have its owner (${exception.owner}) set a new last day.`,
          ),
        ],
      });
    });
  },
});
