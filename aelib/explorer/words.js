// What the explorer says, in the language of the page. With "say" before it a template is the template,
// unless the page came with a translation of it, in which values are {0}, {1} ... A translation
// may order them anew, and leave a Korean particle to what stands before it: "{0}[과/와]".

const WORDS = globalThis.aelibWords ?? {};
const PARTICLE = /(.)\[([^/\]]*)\/([^\]]*)\]/gu;
const TIED = /(?<=\d) (?=%|×|pixel)|(?<=×) (?=\d)/g; // between a number and its unit no line breaks
const CLOSED_DIGITS = "013678"; // 영 일 삼 육 칠 팔 end in a consonant

export function say(parts, ...values) {
  const english = parts.reduce((all, part, i) => `${all}{${i - 1}}${part}`);
  const text = WORDS[english] ?? english;
  const filled = text.replace(/\{(\d+)\}/g, (_, i) => values[i]).replace(TIED, "\u00a0");
  return text === english ? filled : filled.replace(PARTICLE, withParticle);
}

function withParticle(_, before, closed, open) {
  const syllable = before.charCodeAt(0) - 0xac00;
  const isHangul = syllable >= 0 && syllable < 11172;
  const ends = isHangul ? syllable % 28 > 0 : CLOSED_DIGITS.includes(before);
  const inRieul = isHangul ? syllable % 28 === 8 : "178".includes(before); // after which it is 로, too
  return before + (ends && !(inRieul && closed === "으로") ? closed : open);
}

const [IN_ADDRESSES, CALLED] = [
  "giyeok nieun digeut rieul mieum bieup siot ieung jieut chieut kieuk tieut pieup hieut",
  say`giyeok nieun digeut rieul mieum bieup siot ieung jieut chieut kieuk tieut pieup hieut`,
].map((names) => names.split(" "));

/** What a letter of Hangul is called, given its name in addresses and models; other names stay. */
export const letterName = (name) => CALLED[IN_ADDRESSES.indexOf(name)] ?? name;
