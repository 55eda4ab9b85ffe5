/** Payments without a model. */
export default function reply({ turn, user, results }) {
  const { request, amount, centre } = JSON.parse(user);
  if (turn === 0) return { calls: [{ tool: 'orders__list_allowed_directories', args: {} }] };
  if (turn > 1) return results[0].isError ? `not paid: ${results[0].text}` : `${amount} euros are paid by ${centre}.`;
  const folder = results[0].text.split('\n').at(-1).trim();
  const content = `${JSON.stringify({ request, amount, centre })}\n`;
  return { calls: [{ tool: 'orders__write_file', args: { path: `${folder}/${request}.json`, content } }] };
}
