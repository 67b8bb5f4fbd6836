/** Times as the API and the probe write them. */
import * as z from 'zod';

/** ISO 8601, with an offset or Z. */
export const timeSchema = z.iso.datetime({ offset: true });
