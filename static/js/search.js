// The node's field: names and ids as they are typed, by mouse or keyboard (an ARIA combobox).
(() => {
  "use strict";
  const PAUSE = 150; // milliseconds of silence before a question goes out
  const MOST = 40;
  const FIELDS = "node_id,node_name,node_type,zone";
  // What people look for most comes first, and is always found: of 7,000 names with an E the API answers the lowest ids
  const KINDS = ["HUB", "ZONE", "INTERFACE"];
  const plain = (name) => name.toUpperCase().trim().replace(/\s+/g, " ");

  class Search {
    constructor(input) {
      this.input = input;
      this.list = input.parentElement.querySelector("[role=listbox]");
      this.status = input.parentElement.querySelector("[data-search-status]");
      this.given = input.value;
      this.id = input.dataset.nodeId;
      this.found = [];
      this.place = -1;
      this.question = 0;
      const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id };
      for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);
      input.addEventListener("input", () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.ask(), PAUSE); });
      input.addEventListener("keydown", (event) => this.pressed(event));
      input.addEventListener("focus", () => input.select());
      input.addEventListener("blur", () => this.close());
      this.list.addEventListener("mousedown", (event) => { event.preventDefault(); this.clicked(event.target.closest("[role=option]")); });
      input.form.addEventListener("formdata", (event) => this.tidy(event.formData));
    }

    // The field shows a name; what is sent is the id, which only one node bears
    tidy(data) {
      if (this.id && data.get("node") === this.given) data.set("node", this.id);
      if (data.get("as_of")) return;
      data.delete("as_of");
      data.delete("as_of_exact");
    }

    async ask() {
      const typed = this.input.value.trim();
      const question = ++this.question;
      if (!typed) return this.close();
      const query = new URLSearchParams({ q: typed, limit: String(4 * MOST), fields: FIELDS });
      let rows;
      try {
        this.notable = this.notable || Promise.all(KINDS.map((type) => this.fetched(new URLSearchParams({ type, limit: "500", fields: FIELDS }))));
        const [kinds, found] = await Promise.all([this.notable, this.fetched(query)]);
        const key = plain(typed);
        rows = [...kinds.flat().filter((row) => plain(row.node_name).includes(key)), ...found];
      } catch {
        this.notable = undefined;
        if (question === this.question) this.status.textContent = "The search does not answer; press Enter to look for what was typed.";
        return undefined;
      }
      return question === this.question ? this.show(rows) : undefined; // a later question has its own answer
    }

    async fetched(query) {
      const answer = await fetch(`${this.input.dataset.search}?${query}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      return (await answer.json()).results;
    }

    show(rows) {
      const byId = new Map(rows.map((row) => [row.node_id, row])); // of a node with several windows the last
      const weight = (row) => (KINDS.includes(row.node_type) ? KINDS.indexOf(row.node_type) : KINDS.length);
      this.found = [...byId.values()].sort((one, two) => weight(one) - weight(two)).slice(0, MOST);
      this.list.replaceChildren(...this.found.map((row, place) => this.option(row, place)));
      this.list.hidden = !this.found.length;
      this.input.setAttribute("aria-expanded", String(!!this.found.length));
      this.status.textContent = this.found.length ? `${this.found.length} nodes` : "No node has this name or id";
      this.mark(-1);
    }

    option(row, place) {
      const item = document.createElement("li");
      const name = document.createElement("span");
      const quiet = document.createElement("span");
      item.id = `${this.list.id}-${place}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      name.textContent = row.node_name;
      quiet.className = "quiet";
      quiet.textContent = [row.node_type, row.zone, row.node_id].filter(Boolean).join(" · ");
      item.append(name, quiet);
      return item;
    }

    // The option at `place`, the first behind the last; -1: none
    mark(place) {
      const options = [...this.list.children];
      this.place = options.length && place >= 0 ? place % options.length : -1;
      options.forEach((option, i) => option.setAttribute("aria-selected", String(i === this.place)));
      if (this.place < 0) return this.input.removeAttribute("aria-activedescendant");
      options[this.place].scrollIntoView({ block: "nearest" });
      return this.input.setAttribute("aria-activedescendant", options[this.place].id);
    }

    pressed(event) {
      const open = !this.list.hidden;
      if (event.key === "Escape" && open) { event.preventDefault(); this.close(); }
      else if (event.key === "ArrowDown" && !open) { event.preventDefault(); this.ask(); }
      else if (event.key === "ArrowDown") { event.preventDefault(); this.mark(this.place + 1); }
      else if (event.key === "ArrowUp" && open) { event.preventDefault(); this.mark(this.place <= 0 ? this.found.length - 1 : this.place - 1); }
      else if (event.key === "Enter" && open && this.place >= 0) { event.preventDefault(); this.choose(this.place); }
    }

    clicked(option) {
      if (option) this.choose([...this.list.children].indexOf(option));
    }

    choose(place) {
      this.given = this.input.value = this.found[place].node_name;
      this.id = String(this.found[place].node_id);
      this.close();
      this.input.form.requestSubmit();
    }

    close() {
      clearTimeout(this.timer); // what was typed last must not open the list behind somebody who went on
      this.question += 1;
      this.found = [];
      this.list.replaceChildren();
      this.list.hidden = true;
      this.input.setAttribute("aria-expanded", "false");
      this.mark(-1);
    }
  }

  for (const input of document.querySelectorAll("[data-search]")) new Search(input);
})();
