/** Which Services send traffic to which pods, according to EndpointSlices. */
import * as z from 'zod';
import { apiListSchema } from './cni-records.ts';

/** A pod that is a ready endpoint of a Service in its namespace. */
const servedPodSchema = z.object({ namespace: z.string(), pod: z.string(), service: z.string() });
export type ServedPod = z.infer<typeof servedPodSchema>;

export const serviceEndpointsSchema = apiListSchema(servedPodSchema);
export type ServiceEndpoints = z.infer<typeof serviceEndpointsSchema>;

/** Used if the endpoints were not requested. */
export const NO_SERVICE_ENDPOINTS: ServiceEndpoints = {
  status: 'absent',
  reason: 'endpoints of Services were not requested',
};
