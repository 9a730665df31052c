// The line above the chart: what the pointed interval costs. It is read aloud to those who move by keyboard.
(() => {
  "use strict";
  const NAMES = { day_ahead: "day-ahead", real_time: "real-time", energy: "energy", congestion: "congestion", loss: "losses" };
  const MARKETS = ["day_ahead", "real_time"];
  const PRICE = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: "negative" });
  const usd = (value) => (value == null ? "–" : PRICE.format(value).replace("-", "\u2212"));

  class Readout {
    constructor(line, chart) {
      this.line = line;
      this.chart = chart;
      this.lacking = false; // whether the marks of restated prices could not be loaded
    }

    tell(text) {
      this.line.textContent = text;
    }

    // A mouse would make a reader speak without end
    aloud(spoken) {
      this.line.setAttribute("aria-live", spoken ? "polite" : "off");
      this.line.setAttribute("aria-atomic", "true");
    }

    show(place) {
      const { axis, dart, start, times } = this.chart;
      this.tell(place < 0 ? "Point at the chart, or press the arrow keys in it, to read a price." : axis.full(times[place]));
      if (this.lacking) this.add("The marks of restated prices could not be loaded.");
      if (place < 0) return;
      for (const market of MARKETS) this.add(`${NAMES[market]} ${usd(this.chart[market].lmp[place])}`, market);
      this.add(`DART ${usd(dart[place])}`);
      for (const line of this.chart.lines().filter((line) => line.part !== "lmp")) {
        this.add(`${NAMES[line.market]} ${NAMES[line.part]} ${usd(this.chart[line.market][line.part][place])}`, line.part);
      }
      for (const market of MARKETS) {
        const { length, at: stored } = this.chart[market];
        const one = stored.get(times[place] - ((times[place] - start) % length));
        if (one && one.restated) this.add(`${NAMES[market]} ${one.restated}`);
      }
    }

    add(text, swatch) {
      const part = document.createElement("b");
      if (swatch) {
        const line = document.createElement("span");
        line.className = `swatch ${swatch}`;
        part.append(line, " ");
      }
      part.append(text);
      this.line.append(" ", part);
    }
  }

  window.energy.Readout = Readout;
  window.energy.usd = usd;
})();
