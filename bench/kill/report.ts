import type { Figures } from './figures.ts';
import type { Options } from './options.ts';

export function faultsIn(figures: Figures, { control }: Options): string[] {
  const { lost, unended, wrong, startedTwice, doubled, leftOut, unasked, orphans } = figures;
  const faults = [
    ...(lost > 0 ? [`${lost} acknowledged tasks were lost`] : []),
    ...(unended > 0 ? [`${unended} tasks did not end`] : []),
    ...figures.needless.map((one) => `asked although it could be found again: ${one}`),
    ...wrong.map((one) => `a wrong end: ${one}`),
    ...(startedTwice !== 0 ? [`${startedTwice} tasks more in the store than were started`] : []),
    ...(orphans > 0 ? [`${orphans} tasks are open after all has ended`] : []),
    ...(leftOut > 0 ? [`${leftOut} unsafe calls of tasks that ended never happened`] : []),
  ];
  if (control) return doubled > 0 ? faults : [...faults, 'the control doubled nothing: the kills show nothing'];
  if (doubled > 0) faults.push(`${doubled} unsafe effects were doubled`);
  if (unasked > 0) faults.push(`${unasked} unknown calls were not asked about`, ...(figures.unaskedOf ?? []));
  return faults;
}

export const report = (figures: Figures): string =>
  [
    `${figures.kills} kills (${figures.killsBeforeServing} before the server served)${killedText(figures)}`,
    `${figures.tasks} tasks acknowledged: ${figures.lost} lost, ${figures.unended} not ended, ${figures.wrong.length} ended wrong, ${figures.setAside} set aside, ${figures.startedTwice} started twice`,
    `${figures.unsafeCalls} unsafe calls: ${figures.doubled} doubled, ${figures.leftOut} left out`,
    `${figures.unknown} calls left unknown: ${figures.unasked} not asked about; answered: ${figures.answered.happened} had happened, ${figures.answered.run} had not`,
    `${figures.repeated.idempotent} idempotent and ${figures.repeated.read} read calls were repeated`,
    '',
  ].join('\n');

const killedText = ({ killed = {} }: Figures): string => {
  const each = Object.entries(killed).map(([what, count]) => `${what} ${count}`);
  return each.length === 0 ? '' : `: ${each.join(', ')}`;
};
