"use strict";
// Asks every other second how far a run or an upload is; loads the page anew when it is finished.
for (const standing of document.querySelectorAll("[data-progress]")) {
  const bar = standing.querySelector("progress");
  const words = standing.querySelector("[data-progress-text]");
  const look = async () => {
    let pause = 2000;
    try {
      const answer = await fetch(standing.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      if (now.finished) {
        window.location.reload();
        return;
      }
      if (now.total) {
        bar.max = now.total;
        bar.value = now.done;
      }
      if (words.textContent !== now.text) words.textContent = now.text;
    } catch {
      pause = 10000; // away for a moment, or logged out
    }
    window.setTimeout(look, pause);
  };
  if (standing.dataset.progress) window.setTimeout(look, 1000);
}
