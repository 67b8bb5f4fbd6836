/** A synthesis warning where no alarm would reach anybody. */
import { Annotations, Aspects } from 'aws-cdk-lib';
import { CfnSubscription, type Topic } from 'aws-cdk-lib/aws-sns';

/** Checked when all is built: users of the construct may subscribe to its topic. */
export function warnOfUnheardAlarms(topic: Topic): void {
  Aspects.of(topic).add({
    visit(node) {
      if (node !== topic) return;
      const subscriptions = topic.node.root.node
        .findAll()
        .filter((each) => CfnSubscription.isCfnSubscription(each))
        .filter(({ topicArn }) => topicArn === topic.topicArn);
      if (subscriptions.some(({ filterPolicy }) => filterPolicy === undefined)) return;
      Annotations.of(topic).addWarningV2(
        'netns-auditor:unheardAlarms',
        `${
          subscriptions.length === 0
            ? 'Nobody is subscribed, so no message and no alarm reaches anybody.'
            : 'Every subscription has a minSeverity or another filter, and CloudWatch alarms pass none: nobody would hear that an audit did not happen.'
        } Add a subscription without a filter; where alarms are heard in another way, acknowledge this warning.`,
      );
    },
  });
}
