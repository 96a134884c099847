// Everything that a person sees beyond the edge of the page, cut off, or lying over its neighbour.
() => {
  const faults = [];
  const width = document.documentElement.clientWidth;
  const seen = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const style = (node) => getComputedStyle(node);
  const scrolls = (node) => Boolean(node) && (/auto|scroll/.test(style(node).overflowX) || scrolls(node.parentElement));
  const shown = (node) => { // what is not behind the edge of something that scrolls up and down
    let { left, right, top, bottom } = node.getBoundingClientRect();
    for (let over = node.parentElement; over && over !== document.documentElement; over = over.parentElement) {
      if (!/auto|scroll|hidden/.test(style(over).overflowY)) continue;
      const frame = over.getBoundingClientRect();
      [top, bottom] = [Math.max(top, frame.top), Math.min(bottom, frame.bottom)];
    }
    return { left, right, top, bottom };
  };
  const name = (node) => `${node.tagName} ${node.id} ${node.textContent.trim().slice(0, 30)}`;

  const beyond = document.documentElement.scrollWidth - width;
  if (beyond > 0) faults.push(`the page scrolls sideways by ${beyond} pixels`);

  for (const node of document.querySelectorAll("button, h1, h2, label, p, input, .aside")) {
    if (!seen(node) || scrolls(node)) continue;
    const box = node.getBoundingClientRect();
    if (box.width && (box.left < -1 || box.right > width + 1)) faults.push(`beyond the edge: ${name(node)}`);
    const holdsText = node.matches("button, h1, h2, p, .aside") && style(node).textOverflow !== "ellipsis";
    if (holdsText && node.clientWidth && node.scrollWidth > node.clientWidth + 2) faults.push(`cut off: ${name(node)}`);
  }

  const kinds = "button:not(.tile), input[type=range], input[type=number]";
  const pinned = (node) => node.closest(".stage"); // on a phone the picture stays while the sliders scroll under it
  const controls = [...document.querySelectorAll(kinds)].filter((node) => seen(node) && !scrolls(node) && !pinned(node));
  const boxes = controls.map(shown);
  const overlap = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
  controls.forEach((one, i) => controls.slice(i + 1).forEach((other, j) => {
    const nested = one.contains(other) || other.contains(one);
    if (!nested && overlap(boxes[i], boxes[i + 1 + j])) faults.push(`overlap: ${name(one)} and ${name(other)}`);
  }));
  return faults;
}
