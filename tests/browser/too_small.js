// Everything on the page that a finger presses or drags and that is smaller than it.
(least) => {
  const kinds = "button, summary, select, textarea, a[href], input:not([type=file]), label:has(input[type=file]), [role=tab], [role=radio], [role=button]";
  const seen = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const pressed = (node) => (node.matches("[type=checkbox], [type=radio]") ? node.closest("label") ?? node : node); // a label presses its box
  const targets = new Set([...document.querySelectorAll(kinds)].filter(seen).map(pressed));
  return [...targets].flatMap((node) => {
    const { width, height } = node.getBoundingClientRect();
    const hidden = width <= 2 || height <= 2; // what nobody sees
    const name = node.id || node.className || node.textContent.trim();
    return hidden || Math.min(width, height) >= (least ?? 40) - 0.5 ? [] : [`${node.tagName} ${name} ${width.toFixed(0)}×${height.toFixed(0)}`];
  });
}
