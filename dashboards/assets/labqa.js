/* What the pages do in the browser beside Dash: links inside grids, narrow screens, paper, the name of the tab. */
"use strict";

const NARROW = 720, PAPER = 680; /* CSS pixels: the screens that the styles call narrow; A4 between its margins */

/* Links inside grids open like all others. */
window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};
window.dashAgGridComponentFunctions.PageLink = function (props) {
  const place = props.data && props.data[props.link];
  if (!place) return props.value || "";
  const open = function (event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    window.history.pushState({}, "", place);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  };
  return React.createElement("a", { href: place, onClick: open }, props.value);
};

/* Codes as people count: 2 before 10. */
window.dashAgGridFunctions = window.dashAgGridFunctions || {};
window.dashAgGridFunctions.asCounted = function (one, other) {
  return String(one || "").localeCompare(String(other || ""), document.documentElement.lang, { numeric: true });
};

/* On a narrow screen a drawing takes the shorter names and fewer ticks that came with it. */
function fitDrawing(drawing) {
  const meta = drawing.layout && drawing.layout.meta;
  if (meta && meta.narrow && drawing.clientWidth < meta.below) window.Plotly.relayout(drawing, meta.narrow);
}

/* On a narrow screen the columns that answer the reader's question come first, and are as wide as the screen has room for. */
function fitGrid(grid) {
  if (window.innerWidth > NARROW) return;
  window.dash_ag_grid.getApiAsync(grid.id).then(function (api) {
    const columns = api.getColumnDefs();
    const told = columns.filter((column) => column.context && column.context.narrow);
    const others = columns.filter((column) => !told.includes(column));
    const width = (column) => ({ ...column, flex: null, minWidth: column.context.narrow, width: column.context.narrow });
    const low = (column) => ({ ...column, autoHeight: false, wrapText: false });
    if (told.length) api.setGridOption("columnDefs", told.map(width).concat(others.map(low)));
  });
}

/* Each once: a drawing when it has been drawn, a grid when it is there. */
function fit() {
  document.querySelectorAll(".js-plotly-plot:not([data-fitted])").forEach(function (drawing) {
    if (!drawing.once) return;
    drawing.dataset.fitted = "";
    drawing.once("plotly_afterplot", () => fitDrawing(drawing));
  });
  document.querySelectorAll(".grid:not([data-fitted])").forEach(function (grid) {
    grid.dataset.fitted = "";
    fitGrid(grid);
  });
}

/* On paper everything is open: parts that are folded, and all rows of a grid that it has; drawings are as wide as the paper. */
function layDrawings(printing) {
  const width = printing ? { autosize: false, width: PAPER } : { autosize: true, width: null };
  document.querySelectorAll(".js-plotly-plot").forEach((drawing) => window.Plotly.relayout(drawing, width));
}
function line(into, tag, texts) {
  const row = into.insertRow();
  texts.forEach(function (text) {
    const cell = document.createElement(tag);
    cell.textContent = text === null || text === undefined ? "" : text;
    row.append(cell);
  });
}
function onPaper(api) {
  const table = document.createElement("table");
  const columns = api.getAllDisplayedColumns();
  table.className = "table printed";
  line(table.createTHead(), "th", columns.map((column) => column.getColDef().headerName));
  const body = table.createTBody();
  api.forEachNodeAfterFilterAndSort(function (node) {
    line(body, "td", columns.map((column) => api.getCellValue({ rowNode: node, colKey: column, useFormatter: true })));
  });
  return table;
}
function layGrids() {
  document.querySelectorAll(".grid:not(.long)").forEach(function (grid) {
    const api = window.dash_ag_grid.getApi(grid.id);
    if (api) grid.after(onPaper(api));
  });
}
window.addEventListener("beforeprint", function () {
  document.querySelectorAll("details:not([open])").forEach(function (part) {
    part.dataset.closed = "";
    part.open = true;
  });
  layGrids();
  layDrawings(true);
});
window.addEventListener("afterprint", function () {
  document.querySelectorAll("details[data-closed]").forEach(function (part) {
    delete part.dataset.closed;
    part.open = false;
  });
  document.querySelectorAll(".printed").forEach((table) => table.remove());
  layDrawings(false);
});

new MutationObserver(function () {
  fit();
  const heading = document.querySelector("h1");
  const name = heading ? heading.textContent + " · LabQA" : "LabQA";
  if (document.title !== name) document.title = name;
  const frame = document.querySelector(".shell");
  if (frame && frame.lang && document.documentElement.lang !== frame.lang) document.documentElement.lang = frame.lang;
}).observe(document, { childList: true, subtree: true });
