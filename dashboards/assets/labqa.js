/* Links inside grids open like all others, and the tab is named after the page. */
"use strict";

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

new MutationObserver(function () {
  const heading = document.querySelector("h1");
  const name = heading ? heading.textContent + " · LabQA" : "LabQA";
  if (document.title !== name) document.title = name;
  const frame = document.querySelector(".shell");
  if (frame && frame.lang && document.documentElement.lang !== frame.lang) document.documentElement.lang = frame.lang;
}).observe(document, { childList: true, subtree: true });
