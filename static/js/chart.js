// Day-ahead against real-time, and the spread between them: two plots that share their time.
(() => {
  "use strict";
  const { Axis, Readout, paint, plots, prices } = window.energy;

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.plots = figure.querySelector("[data-plots]");
      this.readout = new Readout(figure.querySelector("[data-readout]"), this);
      const told = figure.dataset;
      [this.start, this.end, this.step] = [told.start, told.end, told.step].map(Number);
      this.asOf = Number(told.asOf) || 0;
      this.times = Array.from({ length: Math.round((this.end - this.start) / this.step) }, (_, i) => this.start + i * this.step);
      this.axis = new Axis(this.start, this.end, told.zone);
      this.view = this.remembered(told.zoom);
      this.place = -1;
      this.drawn = [];
    }

    remembered(zoom) {
      const [from, to] = (zoom || "").split("/").map((text) => Date.parse(text) / 1000);
      return from >= this.start && to <= this.end && from < to ? [from, to] : [this.start, this.end];
    }

    async open() {
      const told = this.figure.dataset;
      const window = { start: this.start, end: this.end, step: this.step };
      this.readout.tell("Loading prices");
      try {
        [this.day_ahead, this.real_time] = await Promise.all([
          prices.load(told.dayAhead, { ...window, length: prices.HOUR }),
          prices.load(told.realTime, { ...window, length: this.step }),
        ]);
      } catch (problem) {
        this.readout.tell(`The prices could not be loaded: ${problem.message}. The table below holds them.`);
        this.figure.dataset.state = "failed";
        return;
      }
      this.dart = this.times.map((_, i) => this.difference(i));
      this.listen();
      this.draw();
      this.figure.dataset.state = "drawn";
      await this.revise();
    }

    async revise() {
      const told = this.figure.dataset;
      const asked = [[this.day_ahead, told.dayAheadRevisions], [this.real_time, told.realTimeRevisions]];
      const done = await Promise.allSettled(asked.map(([market, address]) => prices.addRevisions(market, address, this.asOf)));
      this.readout.lacking = done.some((one) => one.status === "rejected");
      this.draw();
      this.figure.dataset.state = "revised";
    }

    difference(i) {
      const [ahead, real] = [this.day_ahead.lmp[i], this.real_time.lmp[i]];
      return ahead == null || real == null ? null : ahead - real;
    }

    // --- what is switched on -----------------------------------------------------------------

    ticked(name) {
      const boxes = [...this.figure.querySelectorAll(`input[name=${name}]`)];
      return boxes.filter((box) => box.checked).map((box) => box.value);
    }

    get drawing() {
      return this.figure.querySelector("select[name=draw]").value;
    }

    switched(box) {
      if (box.type === "checkbox" && !this.ticked(box.name).length) box.checked = true; // one stays
      this.draw();
      this.keep();
    }

    // The address says what is shown, so that it can be passed on
    keep() {
      const zoomed = this.view[0] > this.start || this.view[1] < this.end;
      const iso = (at) => new Date(at * 1000).toISOString().replace(/:\d\d\.\d+Z/, "Z");
      const shown = {
        show: this.ticked("show").join(","), markets: this.ticked("markets").join(","), draw: this.drawing,
        zoom: zoomed ? this.view.map(iso).join("/") : "",
      };
      const usual = { show: "lmp", markets: "day_ahead,real_time", draw: "lines", zoom: "" };
      const change = (search, names) => {
        const query = new URLSearchParams(search);
        for (const name of names) {
          if (shown[name] === usual[name]) query.delete(name);
          else query.set(name, shown[name]);
        }
        return `?${query}`;
      };
      const search = change(location.search, Object.keys(shown));
      history.replaceState(null, "", search === "?" ? location.pathname : search);
      for (const link of document.querySelectorAll('main a[href^="?"]')) {
        const [asked, place] = link.getAttribute("href").split("#");
        link.setAttribute("href", change(asked, ["show", "markets", "draw"]) + (place ? `#${place}` : ""));
      }
    }

    // --- drawing -----------------------------------------------------------------------------

    draw() {
      this.colours = paint.colours();
      this.drawn.forEach((plot) => plot.destroy());
      const width = this.width();
      this.drawn = [plots.price(this, width), plots.dart(this, width)];
      this.figure.dataset.rings = String(this.rings().length);
      if (this.place >= 0) this.point(this.place);
      else this.readout.show(-1);
    }

    width() {
      return this.printing ? Math.min(680, this.plots.clientWidth || 680) : Math.max(240, this.plots.clientWidth);
    }

    lines() {
      const markets = this.ticked("markets");
      return this.ticked("show").flatMap((part) => markets.map((market) => ({ part, market })));
    }

    // Restated prices of the lines that show the LMP
    rings() {
      const shown = this.drawing === "lines" ? (this.ticked("show").includes("lmp") ? this.ticked("markets") : []) : [this.drawing];
      return shown.flatMap((market) => this[market].own.filter((one) => one.restated));
    }

    // --- zoom --------------------------------------------------------------------------------

    show(from, to) {
      const least = 3 * this.step;
      const whole = this.end - this.start;
      const length = Math.min(whole, Math.max(least, to - from));
      const first = Math.min(Math.max(this.start, from), this.end - length);
      this.view = [first, first + length];
      this.figure.dataset.view = this.view.join("/");
      this.drawn.forEach((plot) => plot.setScale("x", { min: this.view[0], max: this.view[1] }));
      this.keep();
    }

    selected(plot) {
      const { left, width } = plot.select;
      if (width < 4) return;
      const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
      plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      this.show(from, to);
    }

    zoom(what) {
      const [from, to] = this.view;
      const length = to - from;
      const middle = this.place >= 0 && what === "in" ? this.times[this.place] + this.step / 2 : (from + to) / 2;
      const half = { in: length / 4, out: length }[what];
      if (half) this.show(middle - half, middle + half);
      else if (what === "left") this.show(from - length / 2, to - length / 2);
      else if (what === "right") this.show(from + length / 2, to + length / 2);
      else this.show(this.start, this.end);
    }

    // --- reading -----------------------------------------------------------------------------

    pointed(plot) {
      if (plot.cursor.left == null || plot.cursor.left < 0) return;
      const place = Math.floor((plot.posToVal(plot.cursor.left, "x") - this.start) / this.step);
      this.place = Math.min(this.times.length - 1, Math.max(0, place));
      this.readout.show(this.place);
    }

    point(place) {
      this.place = Math.min(this.times.length - 1, Math.max(0, place));
      const at = this.times[this.place] + this.step / 2;
      if (at < this.view[0] || at > this.view[1]) this.show(at - (this.view[1] - this.view[0]) / 2, at + (this.view[1] - this.view[0]) / 2);
      const [plot] = this.drawn;
      plot.setCursor({ left: plot.valToPos(at, "x"), top: 10 });
      this.readout.show(this.place);
    }

    // --- the outside -------------------------------------------------------------------------

    listen() {
      const tools = this.figure.querySelector("[data-zoom-tools]");
      tools.hidden = false;
      tools.addEventListener("click", (event) => event.target.dataset.do && this.zoom(event.target.dataset.do));
      this.figure.addEventListener("change", (event) => this.switched(event.target));
      this.plots.addEventListener("keydown", (event) => this.pressed(event));
      this.plots.addEventListener("pointermove", () => this.readout.aloud(false));
      document.addEventListener("themechange", () => this.draw());
      const print = (printing) => () => { this.printing = printing; this.draw(); };
      addEventListener("beforeprint", print(true));
      addEventListener("afterprint", print(false));
      new ResizeObserver(() => this.printing || this.drawn[0].width === this.width() || this.draw()).observe(this.plots);
    }

    pressed(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const first = Math.floor((this.view[0] - this.start) / this.step);
      const move = (by) => this.point(this.place < 0 ? first : this.place + by);
      const keys = {
        ArrowLeft: () => (event.shiftKey ? this.zoom("left") : move(-1)),
        ArrowRight: () => (event.shiftKey ? this.zoom("right") : move(1)),
        Home: () => this.point(first), End: () => this.point(Math.ceil((this.view[1] - this.start) / this.step) - 1),
        "+": () => this.zoom("in"), "=": () => this.zoom("in"), "-": () => this.zoom("out"), 0: () => this.zoom("reset"), Escape: () => this.zoom("reset"),
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      this.readout.aloud(true);
      keys[event.key]();
    }
  }

  for (const figure of document.querySelectorAll("[data-chart]")) new Chart(figure).open();
})();
