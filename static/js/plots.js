// The two plots of a chart: its prices, and the spread between the markets below them.
(() => {
  "use strict";
  const { paint } = window.energy;
  const PARTS = ["energy", "congestion", "loss"];
  const MINUS = "\u2212";
  const FONT = "11px system-ui, sans-serif";

  function price(chart, width) {
    const stacked = chart.drawing === "lines" ? null : chart[chart.drawing];
    const ticked = chart.ticked("show").filter((part) => PARTS.includes(part));
    const parts = ticked.length ? ticked : PARTS;
    const columns = stacked ? parts.map((part) => stacked[part]) : [];
    const lines = stacked ? [{ part: "lmp", market: chart.drawing }] : chart.lines();
    const colour = (line) => chart.colours[line.part === "lmp" ? line.market : line.part];
    const series = lines.map((line) => ({
      stroke: stacked ? chart.colours.restated : colour(line),
      dash: line.part !== "lmp" && line.market === "day_ahead" ? [5, 4] : undefined,
      width: 1.75, points: { show: false }, paths: paint.steps(chart.step), scale: "y",
    }));
    const values = lines.map((line) => chart[line.market][line.part]);
    const below = (plot) => stacked && paint.stacked(plot, chart.step, columns, parts.map((part) => chart.colours[part]));
    const above = (plot) => paint.rings(plot, chart.rings(), chart.colours.restated, chart.colours.card);
    return made(chart, { width, height: height(chart, 300), values, series, stacked: columns, below, above, named: false });
  }

  function dart(chart, width) {
    const series = [{ paths: () => null, points: { show: false }, scale: "y" }];
    const below = (plot) => paint.bars(plot, chart.step, chart.dart, chart.colours.up, chart.colours.down);
    const above = (plot) => {
      paint.level(plot, 0, chart.colours.axis);
      paint.caption(plot, `DART: day-ahead ${MINUS} real-time`, chart.colours.axis, FONT);
    };
    return made(chart, { width, height: height(chart, 150), values: [chart.dart], series, stacked: [chart.dart], below, above, named: true, head: 20 });
  }

  function height(chart, wide) {
    return chart.plots.clientWidth < 520 && !chart.printing ? Math.round(wide * 0.85) : wide;
  }

  function made(chart, { width, height: tall, values, series, stacked, below, above, named, head = 8 }) {
    const lined = { stroke: chart.colours.grid, width: 1 };
    const usual = { stroke: chart.colours.axis, font: FONT, grid: lined, ticks: { show: false } };
    const side = { ...usual, size: 48, values: (plot, marks) => marks.map((mark) => String(mark).replace("-", MINUS)) };
    const time = {
      ...usual, size: named ? 40 : 8,
      splits: (plot, axis, min, max) => chart.axis.marks(min, max, plot.bbox.width / (window.devicePixelRatio || 1)),
      values: (plot, marks) => labels(chart, marks, named),
    };
    return new uPlot({
      width, height: tall, legend: { show: false }, padding: [head, 18, 0, 0],
      scales: { x: { time: false, range: () => chart.view }, y: { range: () => range(chart, values, stacked) } },
      axes: [time, side],
      series: [{}, ...series],
      cursor: {
        y: false, points: { show: false }, sync: { key: "prices" }, drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: { dblclick: () => () => chart.show(chart.start, chart.end) },
      },
      hooks: {
        drawAxes: [below], draw: [above],
        setCursor: [(plot) => chart.pointed(plot)],
        setSelect: [(plot) => chart.selected(plot)],
      },
    }, [chart.times, ...values], chart.plots);
  }

  function labels(chart, marks, named) {
    if (!named) return marks.map(() => "");
    const found = chart.axis.labels(marks);
    chart.figure.dataset.axis = found.map((label) => label.replace("\n", " ")).join("|");
    return found;
  }

  // The y-range of what is in view, with some air; stacked bars stand on zero
  function range(chart, lines, stacked) {
    let [low, high] = [Infinity, -Infinity];
    const see = (value) => { low = Math.min(low, value); high = Math.max(high, value); };
    chart.times.forEach((at, i) => {
      if (at + chart.step <= chart.view[0] || at >= chart.view[1]) return;
      for (const values of lines) if (values[i] != null) see(values[i]);
      if (!stacked.length) return;
      const parts = stacked.map((values) => values[i] || 0);
      see(parts.filter((value) => value > 0).reduce((sum, value) => sum + value, 0));
      see(parts.filter((value) => value < 0).reduce((sum, value) => sum + value, 0));
    });
    if (low > high) return [0, 1];
    const air = Math.max((high - low) * 0.06, 0.5);
    return [low - air, high + air];
  }

  window.energy.plots = { price, dart };
})();
