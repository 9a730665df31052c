// Prices from the API, laid on the window's intervals: null where none is stored.
(() => {
  "use strict";
  const HOUR = 3600;
  const FIELDS = { lmp: "lmp_usd_per_mwh", energy: "energy_usd_per_mwh", congestion: "congestion_usd_per_mwh", loss: "loss_usd_per_mwh" };
  const energy = (window.energy = window.energy || {});

  async function columns(address) {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(body.detail || `the server answered ${answer.status}`);
    return body.columns;
  }

  const seconds = (text) => Date.parse(text) / 1000;

  // One market: `lmp` … `loss` on the chart's steps, `own` the stored rows with their own length
  async function load(address, { start, end, step, length }) {
    const told = await columns(address);
    const slots = Math.round((end - start) / step);
    const market = { length, own: [], at: new Map() };
    for (const name of Object.keys(FIELDS)) market[name] = new Array(slots).fill(null);
    told.interval_start.forEach((text, row) => {
      const at = seconds(text);
      const seen = seconds(told.first_seen_at[row]);
      const one = { at, seen, length, value: told[FIELDS.lmp][row], version: told.version[row], quality: told.quality[row], restated: "" };
      if (one.version > 1) one.restated = `v${one.version}`;
      market.own.push(one);
      market.at.set(at, one);
      const first = Math.round((at - start) / step);
      for (let slot = first; slot < Math.min(slots, first + length / step); slot++) {
        for (const [name, field] of Object.entries(FIELDS)) market[name][slot] = told[field][row];
      }
    });
    return market;
  }

  // Says of each price that its own source sent more than once what stood there before
  async function addRevisions(market, address, asOf) {
    const fields = "interval_start,lmp_usd_per_mwh,quality,version,first_seen_at";
    const told = await columns(`${address}&layout=columns&limit=100000&fields=${fields}`);
    const sent = new Map();
    told.interval_start.forEach((text, row) => {
      const one = market.at.get(seconds(text));
      const seen = seconds(told.first_seen_at[row]);
      if (!one || told.quality[row] !== one.quality || (asOf && seen > asOf)) return;
      sent.set(one, [...(sent.get(one) || []), { seen, value: told[FIELDS.lmp][row] }]);
    });
    for (const [one, all] of sent) {
      if (all.length < 2) continue;
      const before = all.filter((other) => other.seen <= one.seen).slice(0, -1).pop();
      const told = !before ? "" : before.value === one.value ? ", LMP unchanged" : `, was ${energy.usd(before.value)}`;
      one.restated = `${one.version ? `v${one.version}` : "restated"}${told}`;
    }
  }

  energy.prices = { load, addRevisions, HOUR };
})();
