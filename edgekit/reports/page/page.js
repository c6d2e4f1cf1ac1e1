"use strict";
// The page is whole without this script; it adds sorting, filtering, the theme switch and the tips.
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const said = document.getElementById("said");

const theme = document.querySelector(".theme");
if (theme) {
  let kept = "auto";
  // Private windows and some file: pages refuse storage; the switch then lasts as long as the page.
  try { kept = localStorage.getItem("edgekit-theme") || "auto"; } catch { kept = "auto"; }
  const apply = (name) => {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
  };
  for (const input of all("input", theme)) {
    input.checked = input.value === kept;
    input.addEventListener("change", () => {
      apply(input.value);
      try { localStorage.setItem("edgekit-theme", input.value); } catch { return; }
    });
  }
  apply(kept);
  theme.hidden = false;
}

const table = document.querySelector("table.main");
const sorter = document.getElementById("sorter");
const bodies = table ? all("tbody", table) : [];
function sortBy(index, ascending) {
  const heads = all("thead th", table);
  heads.forEach((head, at) => {
    if (at === index) head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  });
  const numeric = heads[index].classList.contains("num") || heads[index].dataset.id === "verdict";
  for (const body of bodies) {
    const rows = all("tr[data-row]", body).map((row) => [row.cells[index].dataset.key, row]);
    rows.sort(([a], [b]) => {
      if (a === "" || b === "") return (a === "") - (b === "");  // unknown values last, whichever way
      const order = numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
      return ascending ? order : -order;
    });
    body.append(...rows.map(([, row]) => row));
  }
  sorter.value = `${index} ${ascending}`;
  said.textContent = `sorted by ${heads[index].dataset.name}, ${ascending ? "ascending" : "descending"}`;
}
if (table) {
  all("thead th", table).forEach((head, index) => {
    const name = head.dataset.name;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.title = head.title;
    head.removeAttribute("title");
    head.replaceChildren(button);
    button.addEventListener("click", () => sortBy(index, head.getAttribute("aria-sort") !== "ascending"));
    for (const ascending of [true, false]) {
      sorter.append(new Option(`${name} ${ascending ? "▲" : "▼"}`, `${index} ${ascending}`));
    }
  });
  sorter.addEventListener("change", () => {
    const [index, ascending] = sorter.value.split(" ");
    if (ascending) sortBy(Number(index), ascending === "true");
  });
}

const columns = document.querySelector(".columns");
if (columns && table) {
  const boxes = all("input", columns);
  const usual = boxes.filter((box) => box.checked).map((box) => box.value).join(",");
  const asked = new URLSearchParams(location.search).get("columns");
  if (asked !== null) {
    const wanted = asked.split(",");
    for (const box of boxes) box.checked = box.disabled || wanted.includes(box.value);
  }
  const show = () => {
    for (const box of boxes) {
      for (const cell of all(`th.${box.value}, td.${box.value}`, table)) cell.classList.toggle("more", !box.checked);
    }
  };
  const keep = () => {
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value).join(",");
    const address = new URL(location.href);
    if (chosen === usual) address.searchParams.delete("columns");
    else address.searchParams.set("columns", chosen);
    // Some browsers refuse it for files; the choice then lasts as long as the page.
    try { history.replaceState(null, "", address); } catch { return; }
  };
  for (const box of boxes) box.addEventListener("change", () => { show(); keep(); });
  table.classList.add("fewer");
  columns.hidden = false;
  show();
}

const tools = document.querySelector(".tools");
if (tools) {
  const rows = all("table.main tr[data-row]");
  const shown = tools.querySelector("output");
  const search = tools.querySelector("input");
  const filters = all("select[data-filter]", tools);
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = new Set();
    for (const row of rows) {
      const keep = words.every((word) => row.dataset.search.includes(word))
        && filters.every((filter) => !filter.value || row.dataset[filter.dataset.filter] === filter.value);
      row.hidden = !keep;
      if (keep) kept.add(row.dataset.row);
    }
    for (const part of all("[data-row]")) {
      if (part.matches("a.mark")) part.classList.toggle("faint", !kept.has(part.dataset.row));
      else if (!part.matches("table.main tr")) part.hidden = !kept.has(part.dataset.row);
    }
    for (const body of bodies) {
      const apart = body.querySelector("tr.apart");
      if (apart) apart.hidden = !body.querySelector("tr[data-row]:not([hidden])");
    }
    shown.textContent = kept.size === rows.length ? `${rows.length} shown` : `${kept.size} of ${rows.length} shown`;
  };
  search.addEventListener("input", apply);
  filters.forEach((filter) => filter.addEventListener("change", apply));
  document.getElementById("reset").addEventListener("click", () => {
    search.value = "";
    filters.forEach((filter) => { filter.value = ""; });
    apply();
    search.focus();
  });
  tools.hidden = false;
  apply();
}

const openTarget = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView();
  }
};
window.addEventListener("hashchange", openTarget);
for (const link of all('a[href^="#m"]')) {
  // A second click on the same link changes no hash, and the details may have been closed since.
  link.addEventListener("click", () => setTimeout(openTarget));
}
openTarget();

let closed = [];
window.addEventListener("beforeprint", () => {
  closed = all("details:not([open])");
  for (const one of closed) one.open = true;
});
window.addEventListener("afterprint", () => { for (const one of closed) one.open = false; });

const tip = document.getElementById("tip");
let follow = null;
function tipFor(anchor, text) {
  const show = () => {
    const box = anchor.getBoundingClientRect();
    tip.textContent = text;
    tip.hidden = false;
    tip.style.left = `${Math.max(8, Math.min(box.right + 8, window.innerWidth - tip.offsetWidth - 8))}px`;
    const above = box.top - tip.offsetHeight - 8;
    tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  };
  const hide = () => { tip.hidden = true; follow = null; };
  anchor.addEventListener("pointerenter", show);
  anchor.addEventListener("pointerleave", hide);
  anchor.addEventListener("focus", () => { show(); follow = show; });
  anchor.addEventListener("blur", hide);
}
for (const mark of all("a.mark")) {
  const title = mark.querySelector("title");
  mark.setAttribute("aria-label", title.textContent);  // the page's own tip replaces the browser's
  tipFor(mark, title.textContent);
  title.remove();
}
for (const cell of all("table.main td[title]")) {
  const text = cell.title;
  cell.removeAttribute("title");
  tipFor(cell.querySelector("a") || cell, text);
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    tip.hidden = true;
    follow = null;
  }
});
// Focusing scrolls the page by itself: the tip of what has the focus moves along, that of the pointer does not stay.
window.addEventListener("scroll", () => { if (follow) follow(); else tip.hidden = true; }, { passive: true });
