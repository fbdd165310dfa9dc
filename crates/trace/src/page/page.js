"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const root = document.documentElement;
  const details = document.getElementById("details");
  const graph = document.querySelector(".graph > svg");
  const needs = JSON.parse(document.getElementById("needs").textContent);
  const neededBy = needs.map(() => []);
  needs.forEach((list, at) => list.forEach((need) => neededBy[need].push(at)));
  const place = (link) => Number(link.getAttribute("href").slice(2));

  const rows = all(".row");
  const names = rows.map((row) => row.querySelector("th a"));
  const boxes = graph ? all("a", graph) : [];
  const lines = graph ? all("path", graph) : [];
  let selected = -1;
  let origin = null;

  // Selection: the details, the row and the box of one node; -1 is none.
  const select = (at) => {
    selected = at;
    all(".on").forEach((element) => element.classList.remove("on"));
    details.classList.toggle("on", at >= 0);
    [...names, ...boxes].forEach((link) => link.removeAttribute("aria-current"));
    light(at);
    if (at < 0) return;
    details.querySelector("#d" + at).classList.add("on");
    details.scrollTop = 0;
    names.concat(boxes).filter((link) => place(link) === at).forEach((link) => {
      link.setAttribute("aria-current", "true");
      (link.closest(".row") || link).classList.add("on");
    });
  };

  // The neighbours of a node stand out in the graph.
  const light = (at) => {
    if (!graph) return;
    const near = new Set(at < 0 ? [] : [at, ...needs[at], ...neededBy[at]]);
    graph.classList.toggle("lit", boxes.some((box) => place(box) === at));
    boxes.forEach((box) => box.classList.toggle("near", near.has(place(box))));
    lines.forEach((line) => line.classList.toggle("near", line.dataset.from == at || line.dataset.to == at));
  };

  // One stop for the tabulator in the rows, and one in the graph; arrows go on from there.
  const stop = (links, link) => {
    links.forEach((other) => other.setAttribute("tabindex", other === link ? "0" : "-1"));
  };
  const go = (links, link) => {
    if (!link) return;
    stop(links, link);
    link.focus();
    link.closest(".row, .graph a").scrollIntoView({ block: "nearest", inline: "nearest" });
    if (selected >= 0) select(place(link));
  };
  const inRows = (key, link) => {
    const shown = names.filter((name) => name.checkVisibility());
    const at = shown.indexOf(link);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 15, PageUp: at - 15, Home: 0, End: shown.length }[key];
    return to === undefined ? undefined : shown[Math.max(0, Math.min(shown.length - 1, to))];
  };
  const inGraph = (key, box) => {
    const column = boxes.filter((other) => other.dataset.column === box.dataset.column);
    const at = column.indexOf(box);
    const side = (from, to) => lines.filter((line) => line.dataset[from] == place(box)).map((line) => line.dataset[to])[0];
    const find = (node) => boxes.find((other) => place(other) == node) || null;
    switch (key) {
      case "ArrowDown": return column[at + 1] || null;
      case "ArrowUp": return column[at - 1] || null;
      case "ArrowLeft": return find(side("to", "from"));
      case "ArrowRight": return find(side("from", "to"));
      case "Home": return boxes[0];
      case "End": return boxes[boxes.length - 1];
    }
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const field = document.activeElement === filter && filter;
      if (field && field.value) { field.value = ""; narrow(); return; }
      const back = details.contains(document.activeElement) && origin;
      select(-1);
      if (back) back.focus();
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const link = event.target.closest && event.target.closest(".row th a, .graph a");
    if (!link) return;
    const graphic = boxes.includes(link);
    const to = (graphic ? inGraph : inRows)(event.key, link);
    if (to === undefined) return;
    event.preventDefault();
    go(graphic ? boxes : names, to);
  });

  // A link to a node selects it; a second time, it leads into the details.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#d']");
    const row = event.target.closest(".row");
    if (!link && !row) return;
    event.preventDefault();
    const to = link || row.querySelector("th a");
    if (!details.contains(to)) origin = to;
    if (names.includes(to)) stop(names, to);
    if (boxes.includes(to)) stop(boxes, to);
    const again = selected === place(to);
    select(place(to));
    if (again || details.contains(to)) details.focus();
  });
  document.getElementById("close").addEventListener("click", () => {
    select(-1);
    if (origin) origin.focus();
  });

  if (graph) {
    const over = (event) => {
      const box = event.target.closest("a");
      light(box ? place(box) : selected);
    };
    ["mouseover", "focusin"].forEach((name) => graph.addEventListener(name, over));
    ["mouseleave", "focusout"].forEach((name) => graph.addEventListener(name, () => light(selected)));
  }

  // The filter looks at names and states.
  const filter = document.getElementById("filter");
  const folds = all(".folded");
  const open = folds.map((fold) => fold.open);
  const narrow = () => {
    const wanted = filter.value.trim().toLowerCase();
    const found = rows.filter((row) => {
      const text = row.cells[0].textContent + " " + row.cells[1].textContent;
      row.hidden = !text.toLowerCase().includes(wanted);
      return !row.hidden;
    });
    folds.forEach((fold, at) => { fold.open = wanted ? true : open[at]; });
    const places = new Set(found.map((row) => place(row.querySelector("th a"))));
    boxes.forEach((box) => box.classList.toggle("off", !places.has(place(box))));
    document.getElementById("found").textContent = wanted ? found.length + " of " + rows.length : "";
    const first = wanted && boxes.find((box) => places.has(place(box)));
    if (first) {
      const area = graph.parentElement;
      const box = first.querySelector("svg");
      area.scrollTo(box.x.baseVal.value - 20, box.y.baseVal.value - 20);
    }
    stop(names, found.length ? found[0].querySelector("th a") : null);
  };
  if (filter) filter.addEventListener("input", narrow);

  stop(names, names[0]);
  stop(boxes, boxes[0]);
  root.classList.add("js");
  root.dataset.ready = "";
  if (/^#d\d+$/.test(location.hash) && needs[location.hash.slice(2)]) select(Number(location.hash.slice(2)));
})();
