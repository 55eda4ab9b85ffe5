/** Passages of files, ranked by the words of a question (Okapi BM25; Robertson and Zaragoza, 2009). */

const common = new Set(
  `a about all also an and any are as at be been but by can could did do does each for from had has have how i if in into
   is it its just me more most my no not of on one or our please put should so some such tell than that the their them
   then there these they this to two us use used was we were what when where which who why will with write written would
   you your report notes note summary summarise summarize`.split(/\s+/),
);

/** The words of a question that carry it, each with its stem. */
export function wordsOf(question) {
  const words = question.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  const stems = new Set(words.filter((word) => word.length > 2 && !common.has(word)).map(stemOf));
  return [...stems].map((stem) => ({ stem }));
}

/** Roughly: plural and participle endings are cut, so that "declared" finds "declare". */
const stemOf = (word) => (word.length > 4 ? word.replace(/(ies|ing|ed|es|s|e)$/, '') : word);

/** A file as passages of a few lines, each with the headings above it. */
export function blocksOf({ path, text }) {
  const blocks = [];
  const headings = [];
  let lines = [];
  let start = 1;
  const close = () => {
    const kept = lines.join('\n').trimEnd();
    if (kept.trim().length > 20) blocks.push({ path, line: start, text: kept, above: headings.join(' ') });
    lines = [];
  };
  for (const [index, line] of text.split('\n').entries()) {
    const heading = /^(#{1,6}) (.*)/.exec(line);
    if (heading) {
      close();
      headings.length = Math.min(headings.length, heading[1].length - 1);
      headings.push(heading[2]);
      continue;
    }
    if (line.trim() === '' || lines.length >= 8) close();
    if (line.trim() === '') continue;
    if (lines.length === 0) start = index + 1;
    lines.push(line.slice(0, 300));
  }
  close();
  return blocks;
}

/** The `most` passages that fit `words` best, best first, at most two of a file. */
export function rank(words, blocks, most) {
  const counted = blocks.map((block) => ({ block, counts: countsOf(block), length: block.text.length }));
  const average = counted.reduce((sum, { length }) => sum + length, 0) / Math.max(1, counted.length);
  const rarity = words.map((_, index) => {
    const holding = countedWith(counted, words[index].stem);
    return Math.log(1 + (counted.length - holding + 0.5) / (holding + 0.5));
  });
  const scored = counted.map(({ block, counts, length }) => {
    const held = words.map(({ stem }) => counts(stem));
    const score = held.reduce(
      (sum, often, index) => sum + (rarity[index] * often * 2.2) / (often + 1.2 * (0.25 + (0.75 * length) / average)),
      0,
    );
    const covered = held.filter((often) => often > 0).length / Math.max(1, words.length);
    return { ...block, covered, score: score * (0.5 + covered) * weightOf(block.path) };
  });
  const perFile = new Map();
  return scored
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1) || a.line - b.line)
    .filter(({ path }) => {
      perFile.set(path, (perFile.get(path) ?? 0) + 1);
      return perFile.get(path) <= 2;
    })
    .slice(0, most);
}

/** Enough to answer: one passage has most of the question's words. */
export const fits = (words, found) => words.length > 0 && found.some(({ covered }) => covered >= 0.75);

/** How often a stem begins a word of the passage; words of its headings count half. */
function countsOf({ text, above }) {
  const body = text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  const head = above.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
  return (stem) =>
    body.filter((word) => word.startsWith(stem)).length + head.filter((word) => word.startsWith(stem)).length / 2;
}

const countedWith = (counted, stem) => counted.filter(({ counts }) => counts(stem) > 0).length;

/** Prose says what code only does. */
const weightOf = (path) => (/\.(md|mdx|txt|rst)$/.test(path) ? 1.3 : /(^|\/)(test|bench)\//.test(path) ? 0.6 : 1);
