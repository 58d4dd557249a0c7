"use strict";
// Sorting and filtering of the tables that are there already, and one module of a treemap alone; what is chosen stands
// in the page's address.
(() => {
  const state = new URLSearchParams(location.search);

  function remember() {
    const query = state.toString();
    try {
      history.replaceState(null, "", (query ? "?" + query : location.pathname) + location.hash);
    } catch {
      // A page from a sandboxed frame or a mail may not change its address.
    }
  }

  function set(key, value) {
    if (value) state.set(key, value);
    else state.delete(key);
    remember();
  }

  function compare(a, b) {
    const x = Number(a), y = Number(b);
    if (a !== "" && b !== "" && !Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    return a < b ? -1 : a > b ? 1 : 0;
  }

  function key(row, column) {
    const cell = row.cells[column];
    return cell.dataset.order || cell.textContent.trim().toLowerCase();
  }

  function sortable(table) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    if (body.rows.length < 2) return;

    function sort(column, descending) {
      const rows = [...body.rows];
      rows.sort((a, b) => (descending ? -1 : 1) * compare(key(a, column), key(b, column)));
      body.append(...rows);
      heads.forEach((head, n) => {
        if (n === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
    }

    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const descending = now ? now === "ascending" : head.classList.contains("num");
        sort(column, descending);
        set("sort." + table.dataset.name, column + (descending ? "-" : "+"));
      });
    });

    const wish = /^(\d+)([+-])$/.exec(state.get("sort." + table.dataset.name) || "");
    if (wish && Number(wish[1]) < heads.length) sort(Number(wish[1]), wish[2] === "-");
  }

  function filterable(table) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 12) return;
    const line = document.createElement("label"), input = document.createElement("input");
    const count = document.createElement("output");
    line.className = "filter";
    input.type = "search";
    input.value = state.get("filter." + table.dataset.name) || "";
    const name = table.dataset.name, map = maps.get(name);
    line.append(map ? "Filter packages" : "Filter", input, count);
    (map ? map.figure : table.closest(".scroll")).before(line);

    function filter() {
      const text = input.value.trim().toLowerCase();
      let shown = 0, sum = 0;
      for (const row of rows) {
        row.hidden = text !== "" && !row.textContent.toLowerCase().includes(text);
        if (row.hidden) continue;
        shown += 1;
        if (table.dataset.sum) sum += Number(row.cells[table.dataset.sum].dataset.order);
      }
      count.textContent = text ? shown + " of " + rows.length + (table.dataset.sum ? ", " + size(sum) : "") : "";
      if (map) map.fade(text);
      set("filter." + name, text);
    }

    input.addEventListener("input", filter);
    if (input.value) filter();
  }

  function size(count) {
    let value = Math.abs(count), unit = 0;
    for (; value >= (unit ? 999.5 : 1000) && unit < 5; unit += 1) value /= 1000;
    const digits = !unit ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return (count < 0 ? "−" : "") + value.toFixed(digits) + " " + ["B", "kB", "MB", "GB", "TB", "PB"][unit];
  }

  // A treemap: Enter or a click shows a cell's module alone, Escape all; arrows go to the nearest cell.
  function explorable(figure) {
    const frame = figure.querySelector("svg"), blocks = [...frame.querySelectorAll(".block")];
    const cells = [...frame.querySelectorAll(".cell")], key = "zoom." + figure.dataset.name;
    const bar = document.createElement("div"), back = document.createElement("button");
    const told = document.createElement("output"), hint = document.createElement("span");
    const places = ["x", "y", "width", "height"], whole = ["0%", "0%", "100%", "100%"];
    const given = new Map(blocks.map((block) => [block, places.map((place) => block.getAttribute(place))]));
    const drawn = new Map(cells.map((cell) => [cell, cell.querySelector("text")?.cloneNode(true)]));
    const ruler = document.createElement("canvas").getContext("2d");
    let alone = null, current = null;

    const title = (cell) => cell.querySelector("title").textContent;
    const name = (cell) => title(cell).slice(0, title(cell).lastIndexOf(": "));
    const block = (cell) => cell.closest(".block");
    const box = (cell) => cell.querySelector("rect").getBoundingClientRect();
    const open = () => cells.filter((cell) => !alone || block(cell) === alone);

    function label(cell, { width, height }) {
      let text = cell.querySelector("text");
      const parts = name(cell).split("/"), last = parts.slice(/^v\d+$/.test(parts.at(-1)) ? -2 : -1).join("/");
      const fits = height >= 18 && [name(cell), last].find((words) => width >= ruler.measureText(words).width + 10) || "";
      if (!text && fits) {
        text = document.createElementNS("http://www.w3.org/2000/svg", "text");
        text.setAttribute("x", 5);
        text.setAttribute("y", 15);
        cell.append(text);
      }
      if (text) text.textContent = fits;
      text?.removeAttribute("class");
    }

    function arrange() {
      const seen = open(), boxes = seen.map(box);
      const size = 0.75 * parseFloat(getComputedStyle(document.documentElement).fontSize);
      ruler.font = `${size}px ${getComputedStyle(frame).fontFamily}`;
      seen.forEach((cell, n) => label(cell, boxes[n]));
    }

    // Paper is not as wide as the screen: there the labels are those that were drawn without script.
    function redraw() {
      for (const cell of cells) {
        cell.querySelector("text")?.remove();
        if (drawn.get(cell)) cell.append(drawn.get(cell).cloneNode(true));
      }
    }

    function mark(cell) {
      current?.setAttribute("tabindex", -1);
      current = cell;
      current.setAttribute("tabindex", 0);
    }

    function say(cell) {
      told.textContent = cell ? title(cell) + (alone ? "" : " · " + block(cell).dataset.name)
        : alone ? alone.dataset.said : "";
    }

    function zoom(to, keep) {
      alone = to;
      for (const each of blocks) {
        each.style.display = to && each !== to ? "none" : "";
        places.forEach((place, n) => each.setAttribute(place, each === to ? whole[n] : given.get(each)[n]));
      }
      back.hidden = !to;
      mark(keep && open().includes(keep) ? keep : open()[0]);
      if (keep) current.focus();
      say(keep ? current : null);
      arrange();
      set(key, to ? to.dataset.name : "");
    }

    function nearest(cell, across, down) {
      const from = box(cell), x = from.left + from.width / 2, y = from.top + from.height / 2;
      let best = null, least = Infinity;
      for (const other of open()) {
        const to = box(other), right = to.left + to.width / 2 - x, below = to.top + to.height / 2 - y;
        const ahead = right * across + below * down;
        const far = ahead + 2 * Math.abs(across ? below : right);
        if (other !== cell && ahead > 1 && far < least) [best, least] = [other, far];
      }
      return best;
    }

    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    frame.addEventListener("keydown", (event) => {
      const cell = event.target.closest(".cell");
      if (!cell || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter" || event.key === " ") zoom(alone ? null : block(cell), cell);
      else if (event.key === "Escape" && alone) zoom(null, cell);
      else if (arrows[event.key]) nearest(cell, ...arrows[event.key])?.focus();
      else return;
      event.preventDefault();
    });
    frame.addEventListener("click", (event) => {
      const cell = event.target.closest(".cell");
      if (cell) zoom(alone ? null : block(cell), cell);
    });
    for (const type of ["focusin", "pointerover"]) {
      // On the figure: Chromium makes an SVG element that listens for focus a stop of the Tab key.
      figure.addEventListener(type, (event) => {
        const cell = event.target.closest(".cell");
        if (cell && type === "focusin") mark(cell);
        if (cell) say(cell);
      });
    }
    frame.addEventListener("pointerleave", () => say(frame.contains(document.activeElement) ? current : null));
    back.addEventListener("click", () => zoom(null, current));
    addEventListener("resize", arrange);
    addEventListener("beforeprint", redraw);
    addEventListener("afterprint", arrange);

    bar.className = "mapbar";
    back.type = "button";
    back.textContent = "Show all modules";
    hint.className = "hint";
    hint.textContent = "Click or Enter: one module alone. Escape: all. Arrow keys move.";
    bar.append(back, told, hint);
    frame.after(bar);
    figure.classList.add("live");
    frame.setAttribute("role", "group");
    for (const cell of cells) {
      cell.setAttribute("role", "button");
      cell.setAttribute("tabindex", -1);
    }
    zoom(blocks.find((each) => each.dataset.name === state.get(key)) || null);
    return {
      figure,
      fade(text) {
        for (const cell of cells) cell.classList.toggle("faded", text !== "" && !name(cell).toLowerCase().includes(text));
      },
    };
  }

  const maps = new Map();
  for (const figure of document.querySelectorAll("figure.map")) maps.set(figure.dataset.table, explorable(figure));
  for (const table of document.querySelectorAll("table")) {
    sortable(table);
    filterable(table);
  }
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
})();
