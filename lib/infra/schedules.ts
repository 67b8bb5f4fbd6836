/** When runs start. */
import { Duration, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleTargetInput,
  TimeWindow,
} from 'aws-cdk-lib/aws-scheduler';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { TimeZone } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { CheckSet } from '../model/check-set.ts';
import type { Config } from '../model/config.ts';
import type { Storage } from './storage.ts';

type Start = {
  readonly description: string;
  readonly expression: string;
  readonly enabled: boolean;
  readonly flexible: Duration;
  readonly maxEventAge: Duration;
  /** Which checks the run does. */
  readonly checks: CheckSet;
};

/** Starts a run each night, and each hour if that is enabled. */
export function startRuns(
  scope: Construct,
  {
    machine,
    storage,
    schedule,
    monitor,
  }: Pick<Config, 'schedule' | 'monitor'> & { readonly machine: StateMachine; readonly storage: Storage },
): void {
  const { timeZone } = schedule;
  const role = new Role(scope, 'SchedulerRole', {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: {
        StringEquals: {
          'aws:SourceAccount': Stack.of(scope).account,
          'aws:SourceArn': Stack.of(scope).formatArn({
            service: 'scheduler',
            resource: 'schedule-group',
            resourceName: 'default',
          }),
        },
      },
    }),
  });
  const start = (name: string, { checks, ...how }: Start): void => {
    new Schedule(scope, name, {
      description: how.description,
      schedule: ScheduleExpression.expression(how.expression, TimeZone.of(timeZone)),
      enabled: how.enabled,
      timeWindow: how.flexible.toSeconds() === 0 ? TimeWindow.off() : TimeWindow.flexible(how.flexible),
      target: new StepFunctionsStartExecution(machine, {
        role,
        // The planned time: a second delivery is the same run.
        input: ScheduleTargetInput.fromObject({
          schedule: name.toLowerCase(),
          scheduledTime: ContextAttribute.scheduledTime,
          checks,
        }),
        deadLetterQueue: storage.deadLetters,
        maxEventAge: how.maxEventAge,
        retryAttempts: 20,
      }),
    });
  };
  start('Nightly', {
    ...schedule,
    description: 'netns-auditor: audits all clusters',
    flexible: Duration.minutes(schedule.flexibleMinutes),
    maxEventAge: Duration.hours(schedule.maximumAgeHours),
    checks: 'all',
  });
  if (monitor.enabled) {
    start('Hourly', {
      ...monitor,
      description: 'netns-auditor: counts namespaces and reads the kernels of all clusters',
      flexible: Duration.minutes(5),
      // The next one says more than a late one.
      maxEventAge: Duration.minutes(30),
      checks: 'counts',
    });
  }
}
