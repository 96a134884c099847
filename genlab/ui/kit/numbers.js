// Numbers for reading, and the colours of classes.

import { language, say } from "./words.js";

const written = (x, form) => new Intl.NumberFormat(language, form).format(x);

export const count = (n) => written(n, { maximumFractionDigits: 0 });
export const figure = (x, digits = 3) => (x && Math.abs(x) < 1e-6 ? x.toExponential(digits - 1) : written(x, { maximumSignificantDigits: digits }));
export const percent = (x) => written(x, { style: "percent", maximumFractionDigits: x < 0.1 || x > 0.9 ? 1 : 0 }); // 99.6 % is not all

/** A number with so many places, its minus as long as a plus; there is no −0.00. */
export const fixed = (x, digits) =>
  written(Number(x.toFixed(digits)) || 0, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false }).replace("-", "−");

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

/** The numbers that bytes in base64 are, as an array of some kind. */
export function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}
