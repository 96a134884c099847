// Everything on the page that a keyboard reaches and that looks the same with the focus as without.
() => {
  const still = document.head.appendChild(Object.assign(document.createElement("style"), { textContent: "* { transition: none !important; }" }));
  const looks = (node) => {
    const seen = [];
    for (let over = node, i = 0; over && i < 4; over = over.parentElement, i++) {
      const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor } = getComputedStyle(over);
      seen.push(outlineStyle === "none" ? "" : outlineWidth + outlineColor, boxShadow, borderColor);
    }
    return seen.join();
  };
  const reached = [...document.querySelectorAll("button, summary, select, textarea, a[href], input, [tabindex]")].filter(
    (node) => node.tabIndex >= 0 && !node.disabled && !node.closest("[inert]") && node.checkVisibility({ visibilityProperty: true })
  );
  const faults = reached.filter((node) => {
    const before = looks(node);
    node.focus({ focusVisible: true });
    const same = document.activeElement === node && looks(node) === before;
    node.blur();
    return same;
  });
  still.remove();
  return faults.map((node) => `${node.tagName} ${node.id || node.className || node.textContent.trim().slice(0, 30)}`);
}
