// The market's clock: where the axis has its marks, and what they say. A day has 23, 24 or 25 hours; an hour that comes
// twice says which of the two it is.
(() => {
  "use strict";
  const HOUR = 3600;
  const STEPS = [5 / 60, 0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 168, 336, 732]; // hours between two marks
  const NARROWEST = 44; // pixels a label needs
  const energy = (window.energy = window.energy || {});

  function reader(zone) {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "short", day: "numeric", weekday: "short",
      hour: "2-digit", minute: "2-digit", timeZoneName: "short",
    });
    return (seconds) => Object.fromEntries(format.formatToParts(seconds * 1000).map((part) => [part.type, part.value]));
  }

  // Every whole hour of [start, end], both in seconds since 1970, as the market's clock shows it
  function hours(start, end, zone) {
    const read = reader(zone);
    const found = [];
    let number = -1;
    for (let at = Math.ceil(start / HOUR) * HOUR; at <= end; at += HOUR) {
      const local = read(at);
      const before = found[found.length - 1];
      if (!before || before.day !== local.day) number += 1; // days counted from the window's first
      found.push({ at, number, hour: Number(local.hour), day: local.day, date: `${local.day} ${local.month}`, abbreviation: local.timeZoneName, twice: false });
      if (before && before.hour === Number(local.hour)) before.twice = found[found.length - 1].twice = true;
    }
    return found;
  }

  class Axis {
    constructor(start, end, zone) {
      this.hours = hours(start, end, zone);
      this.read = reader(zone);
      this.byTime = new Map(this.hours.map((hour) => [hour.at, hour]));
    }

    marks(min, max, pixels) {
      const room = Math.max(1, Math.floor(pixels / NARROWEST));
      const step = STEPS.find((hours) => (max - min) / HOUR / hours <= room) || STEPS[STEPS.length - 1];
      if (step < 1) return this.within(step, min, max);
      return this.hours.filter((hour) => hour.at >= min && hour.at <= max && this.wanted(hour, step)).map((hour) => hour.at);
    }

    within(step, min, max) {
      const seconds = Math.round(step * HOUR);
      const found = [];
      for (let at = Math.ceil(min / seconds) * seconds; at <= max; at += seconds) found.push(at);
      return found;
    }

    wanted(hour, step) {
      if (step >= 24) return hour.hour === 0 && hour.number % Math.round(step / 24) === 0;
      return hour.hour % step === 0 || (hour.twice && step <= 3);
    }

    labels(marks) {
      const days = marks.length > 1 && marks[marks.length - 1] - marks[0] >= (marks.length - 1) * 23 * HOUR;
      return marks.map((at, place) => this.label(at, place === 0, days));
    }

    label(at, first, days) {
      const hour = this.byTime.get(at);
      if (hour && days && hour.hour === 0) return hour.date;
      const local = this.read(at);
      const text = `${local.hour}:${local.minute}`;
      if (hour && hour.twice) return `${text}\n${hour.abbreviation}`;
      return first || (hour && hour.hour === 0) ? `${text}\n${local.day} ${local.month}` : text;
    }

    // "Sun 3 Nov 01:00 EDT"
    full(at) {
      const local = this.read(at);
      return `${local.weekday} ${local.day} ${local.month} ${local.hour}:${local.minute} ${local.timeZoneName}`;
    }
  }

  energy.Axis = Axis;
})();
