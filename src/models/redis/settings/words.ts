/** Checks of settings that are lists of words; each returns the canonical text or Redis's complaint. */
import { formatEventClasses, parseEventClasses } from '../notify.ts';
import type { WordsForm } from './directive.ts';
import { type Parsed, parseMemory } from './values.ts';

/** Redis listens on at most this many addresses. */
const MAX_ADDRESSES = 16;

export function checkWords(form: WordsForm, args: readonly string[]): Parsed {
  // CONFIG SET gives the list as one argument, a configuration file as several.
  const list = args.length === 1 ? args[0]!.split(/\s+/).filter((word) => word !== '') : [...args];
  return CHECKS[form](list);
}

const CHECKS: Readonly<Record<WordsForm, (words: readonly string[]) => Parsed>> = {
  save: (words) => {
    const list = words.filter((word) => word !== '""');
    if (list.length % 2 !== 0) return { error: 'Invalid save parameters' };
    for (let i = 0; i < list.length; i += 2) {
      if (!/^\d+$/.test(list[i]!) || Number(list[i]) < 1 || !/^\d+$/.test(list[i + 1]!)) {
        return { error: 'Invalid save parameters' };
      }
    }
    return { value: list.join(' ') };
  },

  outputLimits: (words) => {
    if (words.length % 4 !== 0 || words.length === 0) {
      return { error: 'Wrong number of arguments in buffer limit configuration.' };
    }
    const out: string[] = [];
    for (let i = 0; i < words.length; i += 4) {
      const name = words[i]!.toLowerCase() === 'replica' ? 'slave' : words[i]!.toLowerCase();
      if (!['normal', 'slave', 'pubsub'].includes(name)) {
        return { error: 'Invalid client class specified in buffer limit configuration.' };
      }
      const hard = parseMemory(words[i + 1]!);
      const soft = parseMemory(words[i + 2]!);
      const seconds = words[i + 3]!;
      if (!(hard >= 0) || !(soft >= 0) || !/^\d+$/.test(seconds)) {
        return {
          error: 'Error in hard, soft or soft_seconds setting in buffer limit configuration.',
        };
      }
      out.push(name, String(hard), String(soft), seconds);
    }
    return { value: out.join(' ') };
  },

  oomScores: (words) => {
    if (words.length !== 3) return { error: 'wrong number of arguments' };
    const values = words.map(Number);
    if (values.some((v) => !Number.isInteger(v) || v < -2000 || v > 2000)) {
      return { error: 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.' };
    }
    if (values[1]! < values[0]! || values[2]! < values[1]!) {
      return {
        error:
          'The oom-score-adj-values component may not work for non-privileged processes. Please consult the documentation.',
      };
    }
    return { value: words.join(' ') };
  },

  eventClasses: (words) => {
    if (words.length > 1) return { error: 'wrong number of arguments' };
    const bits = parseEventClasses(words[0] === undefined || words[0] === '""' ? '' : words[0]);
    if (bits < 0) return { error: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." };
    return { value: formatEventClasses(bits) };
  },

  addresses: (words) => {
    if (words.length > MAX_ADDRESSES) return { error: 'Too many bind addresses specified.' };
    return { value: words.filter((word) => word !== '""').join(' ') };
  },

  replicaof: (words) => {
    if (words.length === 0) return { value: '' };
    if (words.length !== 2) return { error: 'wrong number of arguments' };
    if (words[0]!.toLowerCase() === 'no' && words[1]!.toLowerCase() === 'one') return { value: '' };
    const port = Number(words[1]);
    if (!Number.isInteger(port) || port < 0 || port > 65535)
      return { error: 'Invalid master port' };
    return { value: words.join(' ') };
  },

  percentiles: (words) => {
    const list = words.filter((word) => word !== '""');
    for (const word of list) {
      const value = Number(word);
      if (word.trim() === '' || value !== value) {
        return { error: 'Invalid latency-tracking-info-percentiles parameters' };
      }
      if (value < 0 || value > 100) {
        return {
          error: 'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]',
        };
      }
    }
    return { value: list.map((word) => String(Number(word))).join(' ') };
  },
};
