// Numbers for reading, and the colours of classes.

import { say } from "./words.js";

export const count = (n) => new Intl.NumberFormat("en", { maximumFractionDigits: 0 }).format(n);
export const figure = (x, digits = 3) => (x && Math.abs(x) < 1e-6 ? x.toExponential(digits - 1) : new Intl.NumberFormat("en", { maximumSignificantDigits: digits }).format(x));
export const percent = (x) => new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: x < 0.1 || x > 0.9 ? 1 : 0 }).format(x); // 99.6 % is not all

// How long something takes, in words.
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return say("page.seconds", { s: whole });
  if (whole < 3600) return say("page.minutes", { m: Math.floor(whole / 60), s: whole % 60 });
  if (whole < 172800) return say("page.hours", { h: Math.floor(whole / 3600), m: Math.floor((whole % 3600) / 60) });
  return say("page.days", { d: Math.floor(whole / 86400) });
}

export const colours = ["#3f90da", "#ffa90e", "#bd1f01", "#832db6", "#94a4a2", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"]; // Petroff 2021: told apart with any colour vision
export const colourOf = (k) => colours[((k % colours.length) + colours.length) % colours.length];
