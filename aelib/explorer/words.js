// What the explorer says, in the language of the page. `say` before a template is the template,
// unless the page came with a translation of it, in which values are {0}, {1} ... A translation
// may order them anew, and leave a Korean particle to what stands before it: "{0}[과/와]".

const WORDS = globalThis.aelibWords ?? {};
const PARTICLE = /(.)\[([^/\]]*)\/([^\]]*)\]/gu;
const CLOSED_DIGITS = "013678"; // 영 일 삼 육 칠 팔 end in a consonant

export function say(parts, ...values) {
  const english = parts.reduce((all, part, i) => `${all}{${i - 1}}${part}`);
  const text = WORDS[english] ?? english;
  const filled = text.replace(/\{(\d+)\}/g, (_, i) => values[i]);
  return text === english ? filled : filled.replace(PARTICLE, withParticle);
}

function withParticle(_, before, closed, open) {
  const syllable = before.charCodeAt(0) - 0xac00;
  const ends = syllable >= 0 && syllable < 11172 ? syllable % 28 > 0 : CLOSED_DIGITS.includes(before);
  return before + (ends ? closed : open);
}
