"use strict";
// Sorting and filtering of the tables that are there already; what is chosen stands in the page's address.
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
    line.append("Filter", input, count);
    table.closest(".scroll").before(line);

    function filter() {
      const text = input.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = text !== "" && !row.textContent.toLowerCase().includes(text);
        if (!row.hidden) shown += 1;
      }
      count.textContent = text ? shown + " of " + rows.length : "";
      set("filter." + table.dataset.name, text);
    }

    input.addEventListener("input", filter);
    if (input.value) filter();
  }

  for (const table of document.querySelectorAll("table")) {
    sortable(table);
    filterable(table);
  }
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
})();
