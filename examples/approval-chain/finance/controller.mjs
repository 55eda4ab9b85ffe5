/** Finance without a model. */
export default function reply({ turn, user, results }) {
  const { request, amount } = JSON.parse(user);
  if (amount > 500) return decision(`${request}: refused, ${amount} euros are over 500.`);
  if (turn === 0)
    return {
      calls: [
        {
          tool: 'ask_person',
          args: { question: `Which cost centre pays ${amount} euros for ${request}?`, options: ['sales', 'service'] },
        },
      ],
    };
  if (turn === 1)
    return results[0].isError
      ? decision(`${request}: not paid. ${results[0].text}`)
      : { calls: [{ tool: 'payments__clerk', args: { request, amount, centre: results[0].text } }] };
  return decision(
    results[0].isError ? `${request}: not paid. ${results[0].text}` : `${request}: ${answerIn(results[0].text)}`,
  );
}

const decision = (text) => JSON.stringify({ decision: text });

const answerIn = (text) => {
  try {
    return JSON.parse(text).answer ?? text;
  } catch {
    return text;
  }
};
