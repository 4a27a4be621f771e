/* Language, printing and sortable tables of the report. */
(() => {
  const root = document.documentElement;
  const speak = (lang) => {
    root.dataset.lang = lang;
    root.lang = lang === "zh" ? "zh-Hans" : "en";
    document.title = document.body.dataset[lang === "zh" ? "titleZh" : "titleEn"];
    for (const image of document.querySelectorAll("img[data-zh]")) image.alt = image.dataset[lang];
    document.dispatchEvent(new Event("gridplan:lang"));
  };
  document.getElementById("language").addEventListener("click", () => speak(root.dataset.lang === "zh" ? "en" : "zh"));
  document.getElementById("print").addEventListener("click", () => window.print());

  /* A picture that stands beside another takes the whole width on a click. */
  for (const button of document.querySelectorAll(".pair .zoom")) {
    button.addEventListener("click", () => {
      const wide = button.parentElement.classList.toggle("wide");
      button.setAttribute("aria-pressed", String(wide));
    });
  }

  /* Notes that are folded away open where they are asked for, and on paper. */
  for (const link of document.querySelectorAll("a[data-opens]")) {
    link.addEventListener("click", () => { document.getElementById(link.dataset.opens).open = true; });
  }
  window.addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });

  const sort = (table, column, head) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.cells[column].dataset.v || "";
    const compare = (a, b) => {
      const left = value(a), right = value(b);
      /* What is missing stays at the end, whichever way. */
      if (!left || !right) return left ? -1 : right ? 1 : 0;
      const numeric = a.cells[column].classList.contains("n") && b.cells[column].classList.contains("n");
      const order = numeric ? Number(left) - Number(right) : left.localeCompare(right, "zh-Hans");
      return down ? -order : order;
    };
    const body = table.tBodies[0];
    for (const row of [...body.rows].sort(compare)) body.append(row);
  };
  for (const table of document.querySelectorAll("table.data")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = head.querySelector("button");
      if (button) button.addEventListener("click", () => sort(table, column, head));
    });
  }
})();
