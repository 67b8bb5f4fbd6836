import type { Command } from 'commander';

export function addAnalyze(_program: Command): void {}
