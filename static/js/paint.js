// What is painted on the canvas: prices hold for a whole interval, so they are steps; a missing one is a gap.
(() => {
  "use strict";
  const energy = (window.energy = window.energy || {});
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function colours() {
    const names = ["day-ahead", "real-time", "energy", "congestion", "loss", "up", "down", "grid", "axis", "restated", "card"];
    return Object.fromEntries(names.map((name) => [name.replace("-", "_"), style(name)]));
  }

  // A uPlot path builder: level for an interval, upright to the next, nothing over a gap
  function steps(length) {
    return (plot, series, first, last) => {
      const stroke = new Path2D();
      const [at, values] = [plot.data[0], plot.data[series]];
      let drawing = false;
      for (let i = Math.max(0, first - 1); i <= last; i++) {
        if (values[i] == null) { drawing = false; continue; }
        const y = plot.valToPos(values[i], "y", true);
        stroke[drawing ? "lineTo" : "moveTo"](plot.valToPos(at[i], "x", true), y);
        stroke.lineTo(plot.valToPos(at[i] + length, "x", true), y);
        drawing = true;
      }
      return { stroke, fill: null, clip: null, band: null, gaps: null, flags: 1 };
    };
  }

  function clipped(plot, paint) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    paint(ctx);
    ctx.restore();
  }

  function box(plot, ctx, at, length, from, to) {
    const [left, right] = [plot.valToPos(at, "x", true), plot.valToPos(at + length, "x", true)];
    const [y0, y1] = [plot.valToPos(from, "y", true), plot.valToPos(to, "y", true)];
    const inset = right - left > 6 ? 1 : 0;
    ctx.fillRect(left + inset, Math.min(y0, y1), Math.max(1, right - left - 2 * inset), Math.abs(y1 - y0));
  }

  // Components on top of each other: what is positive upwards from zero, what is negative downwards
  function stacked(plot, length, columns, paints) {
    clipped(plot, (ctx) => {
      plot.data[0].forEach((at, i) => {
        if (at + length < plot.scales.x.min || at > plot.scales.x.max) return;
        let [up, down] = [0, 0];
        columns.forEach((values, place) => {
          const value = values[i];
          if (value == null) return;
          ctx.fillStyle = paints[place];
          if (value >= 0) { box(plot, ctx, at, length, up, up + value); up += value; }
          else { box(plot, ctx, at, length, down, down + value); down += value; }
        });
      });
    });
  }

  function bars(plot, length, values, up, down) {
    clipped(plot, (ctx) => {
      plot.data[0].forEach((at, i) => {
        if (values[i] == null || at + length < plot.scales.x.min || at > plot.scales.x.max) return;
        ctx.fillStyle = values[i] < 0 ? down : up;
        box(plot, ctx, at, length, 0, values[i]);
      });
    });
  }

  // A ring in the middle of each interval whose price was restated: [{at, length, value}]
  function rings(plot, marks, colour, ground) {
    clipped(plot, (ctx) => {
      const ratio = window.devicePixelRatio || 1;
      ctx.lineWidth = 1.75 * ratio;
      ctx.strokeStyle = colour;
      ctx.fillStyle = ground;
      for (const mark of marks) {
        ctx.beginPath();
        ctx.arc(plot.valToPos(mark.at + mark.length / 2, "x", true), plot.valToPos(mark.value, "y", true), 3.25 * ratio, 0, 2 * Math.PI);
        ctx.fill();
        ctx.stroke();
      }
    });
  }

  function level(plot, value, colour) {
    clipped(plot, (ctx) => {
      const y = Math.round(plot.valToPos(value, "y", true));
      ctx.fillStyle = colour;
      ctx.fillRect(plot.bbox.left, y, plot.bbox.width, Math.max(1, window.devicePixelRatio || 1));
    });
  }

  // A plot's name, in the air above it
  function caption(plot, text, colour, font) {
    const { ctx, bbox } = plot;
    const ratio = window.devicePixelRatio || 1;
    ctx.save();
    ctx.font = font.replace(/^\d+/, (size) => String(Number(size) * ratio));
    ctx.fillStyle = colour;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.fillText(text, bbox.left, bbox.top - 5 * ratio);
    ctx.restore();
  }

  energy.paint = { colours, steps, stacked, bars, rings, level, caption };
})();
