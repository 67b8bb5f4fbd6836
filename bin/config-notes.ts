/** Parts of a configuration that are valid, but probably not meant. */
import { catalogue } from '../lib/checks/catalogue.ts';
import type { Mistake, PlaceOf } from '../lib/config/examine.ts';
import { nearest } from '../lib/config/nearest.ts';
import { exceptionsFor } from '../lib/diagnosis/exceptions.ts';
import type { Config } from '../lib/model/config.ts';

/** Exceptions that cover nothing, whatever an audit finds. */
export function notesOn(
  config: Config,
  placeOf: PlaceOf,
  today = new Date().toISOString().slice(0, 10),
): Mistake[] {
  const ids = catalogue.flatMap(({ id, formerly = [] }) => [id, ...formerly]);
  const names = config.clusters.map(({ name }) => name);
  return config.exceptions.flatMap((exception, index) => {
    const note = (key: keyof typeof exception, message: string): Mistake => {
      const path = ['exceptions', index, key];
      return { ...placeOf(path), path: `exceptions[${index}].${key}`, message };
    };
    const { check, expires } = exception;
    const near = nearest(check, ids);
    return [
      ...(check.includes('*') || ids.includes(check)
        ? []
        : [
            note(
              'check',
              `There is no such check.${near === null ? '' : ` Did you mean ${near}?`} netns-audit checks lists them.`,
            ),
          ]),
      ...(expires < today ? [note('expires', 'It is over: what it covered counts again.')] : []),
      ...(names.some((name) => exceptionsFor([exception], name).length > 0)
        ? []
        : [note('clusters', `It is for no cluster of this file, which has ${names.join(', ')}.`)]),
    ];
  });
}
