// Tiles: small pictures cut out of one sprite by the style sheet, each a button.

import { make } from "./parts.js";

/** The place of picture i in a sprite of `columns` by `rows`, as a style. */
export function cut(node, i, columns, rows) {
  const part = (x, n) => (n > 1 ? (100 * x) / (n - 1) : 0);
  node.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  node.style.backgroundPosition = `${part(i % columns, columns)}% ${part(Math.floor(i / columns), rows)}%`;
}

/** Fill `holder` with n tiles of a sprite; the sprite itself is a variable, so that another can take its place. What is read
 * has texts instead. */
export function lay(holder, { image, n, columns = n, size, texts }, choose, name) {
  holder.style.setProperty("--sprite", `url(${image})`);
  holder.classList.toggle("read", Boolean(texts));
  holder.replaceChildren(...Array.from({ length: n }, (_, i) => {
    const tile = make("button.tile", { "aria-label": name(i), onclick: () => choose(i) });
    if (texts) return tile;
    tile.style.aspectRatio = `${size[1]} / ${size[0]}`;
    cut(tile, i, columns, Math.ceil(n / columns));
    return tile;
  }));
}

/** The picture of a data URI, ready to be drawn. */
export async function loaded(uri) {
  const image = Object.assign(new Image(), { src: uri });
  await image.decode();
  return image;
}

/** Picture i of a sprite of one row. */
export function cropped(image, i, n) {
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width / n, height: image.height });
  canvas.getContext("2d").drawImage(image, -i * canvas.width, 0);
  return canvas.toDataURL();
}
