"use strict";
// Says in words what the chosen crontab means.
{
  const words = JSON.parse(document.getElementById("readable-crontabs").textContent);
  const choice = document.getElementById("id_crontab");
  const row = document.querySelector(".field-crontab_translation .readonly");
  if (choice && row) {
    choice.addEventListener("change", () => {
      row.textContent = words[choice.value] || "";
    });
  }
}
