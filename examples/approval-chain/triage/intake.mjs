/** Triage without a model. */
export default function reply({ turn, user, results }) {
  if (turn > 0)
    return results[0].isError ? `We could not do it: ${results[0].text}` : `It is done. ${answerIn(results[0].text)}`;
  const [request = 'R-0'] = /R-\d+/.exec(user) ?? [];
  const amount = Number(/([\d.]+) ?(?:EUR|euros?)/i.exec(user)?.[1] ?? 0);
  return { calls: [{ tool: 'finance__controller', args: { request, amount, reason: user } }] };
}

const answerIn = (text) => {
  try {
    return JSON.parse(text).decision;
  } catch {
    return text;
  }
};
