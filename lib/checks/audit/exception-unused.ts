import { exceptionInWords, exceptionObject } from '../../computed/exception-object.ts';
import { defineClusterCheck, fail, notApplicable, pass } from '../define.ts';
import { repair } from '../remedies/steps.ts';

/** If its fault is repaired, the exception would hide the next fault of the same kind. */
export const exceptionUnused = defineClusterCheck({
  id: 'exception-unused',
  topic: 'audit',
  severity: 'low',
  title: 'Every exception covers something',
  failureTitle: 'Exception covers nothing',
  why:
    'An exception whose fault is gone hides the next fault of its kind on the same objects. An ' +
    'exception with a misspelt name has never covered anything.',
  // An intermittent fault may be absent for one night, so its exception is not unused yet.
  observations: 2,
  run({ exceptions }) {
    return exceptions.map(({ exception, expired, covers, unknownCheck, blind }) => {
      const object = exceptionObject(exception);
      if (expired) return notApplicable(object, 'it is past its last day');
      if (covers.length > 0) return pass(object);
      if (blind !== null && !unknownCheck) return notApplicable(object, blind);
      return fail(object, {
        detail: unknownCheck
          ? `${exceptionInWords(exception)}: no check has this name.`
          : `${exceptionInWords(exception)}: nothing that it would cover was found.`,
        confidence: 'confirmed',
        evidence: [
          {
            what: 'covered findings',
            expected: 'one or more',
            actual: '0',
            source: 'this audit, and configuration: exceptions[]',
          },
        ],
        remedy: [
          unknownCheck
            ? repair('Correct the name of the check; the command lists them all.', 'netns-audit checks')
            : repair(
                `Ask ${exception.owner} whether the fault is repaired for good, and take the exception out of the configuration.`,
              ),
        ],
      });
    });
  },
});
