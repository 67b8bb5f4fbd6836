import type { AnyCheck } from '../define.ts';
import { nodeDefaultRouteMissing } from './node-default-route-missing.ts';
import { nodeNeighbourWrong } from './node-neighbour-wrong.ts';
import { podMacDuplicate } from './pod-mac-duplicate.ts';

export const pathChecks: readonly AnyCheck[] = [nodeNeighbourWrong, podMacDuplicate, nodeDefaultRouteMissing];
