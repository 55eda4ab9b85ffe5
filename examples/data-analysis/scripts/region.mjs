/** Looks at one region without a model: three questions, one after the other. */
const thinks = 200; // milliseconds a turn

export default function reply({ turn, user, results, messages }) {
  const { region } = JSON.parse(user);
  const sql = (text) => ({ calls: [{ tool: 'shop__execute_sql', args: { sql: text } }], delay: thinks });
  if (turn === 0)
    return sql(`select count(*) as orders, sum(amount) as revenue from orders where region = '${region}'`);
  if (turn === 1)
    return sql(
      `select month from orders where region = '${region}' group by month order by sum(amount) desc, month limit 1`,
    );
  if (turn === 2) return { calls: [{ tool: 'notes__list_allowed_directories', args: {} }] };
  if (turn === 3) {
    const folder = results[0].text.split('\n').at(-1).trim();
    return { calls: [{ tool: 'notes__read_text_file', args: { path: `${folder}/${region}.md` } }], delay: thinks };
  }
  const [{ orders, revenue }] = rowsIn(resultOf(messages, 0));
  const [{ month }] = rowsIn(resultOf(messages, 1));
  const complaints = results[0].text.split('\n').filter((line) => line.startsWith('- complaint')).length;
  return JSON.stringify({ region, orders, revenue, best_month: month, complaints });
}

/** The text of the result of turn `turn`. */
const resultOf = (messages, turn) => {
  const [result] = messages.flatMap(({ content }) => content.filter(({ type }) => type === 'tool_result')).slice(turn);
  return result.content.map(({ text }) => text).join('');
};

const rowsIn = (text) => JSON.parse(text).data.statements[0].rows;
