(() => {
  "use strict";
  const source = document.getElementById("source");
  const dub = document.getElementById("dub");
  const players = [source, dub].filter(Boolean);
  if (!players.length) return;
  let lead = dub || source;
  const rows = [...document.querySelectorAll("tr[data-start]")];
  const strips = [...document.querySelectorAll("svg[data-start]")];
  const captions = { source: document.getElementById("now-source"), dub: document.getElementById("now-dub") };
  const button = document.getElementById("play");
  const seek = (ms) => players.forEach((player) => { player.currentTime = ms / 1000; });
  const hear = (name) => players.forEach((player) => { player.muted = player.id !== name; });

  document.querySelectorAll(".controls").forEach((bar) => { bar.hidden = false; });
  button.addEventListener("click", () => {
    if (lead.paused) {
      const at = lead.currentTime;
      players.forEach((player) => { player.currentTime = at; });
      Promise.allSettled(players.map((player) => player.play()));
    } else players.forEach((player) => player.pause());
  });
  players.forEach((player) => ["play", "pause"].forEach((event) => player.addEventListener(event, () => {
    if (player === lead) button.textContent = event === "play" ? "Pause both" : "Play both";
  })));
  document.querySelectorAll("input[name=hear]").forEach((choice) =>
    choice.addEventListener("change", () => hear(choice.value)));
  if (players.length > 1) hear("dub");

  rows.forEach((row) => row.addEventListener("click", () => seek(Number(row.dataset.start))));
  document.querySelectorAll("rect[data-start]").forEach((bar) => bar.addEventListener("click", (event) => {
    event.stopPropagation();
    seek(Number(bar.dataset.start));
  }));
  strips.forEach((strip) => strip.addEventListener("click", (event) => {
    const box = strip.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const start = Number(strip.dataset.start);
    seek(start + share * (Number(strip.dataset.end) - start));
  }));

  // A picture that the browser cannot decode is an error, or a sound alone.
  players.forEach((player) => {
    const judge = () => {
      const blind = player.tagName === "VIDEO" && player.readyState > 0 && !player.videoWidth;
      if (!player.error && !blind) return;
      document.getElementById(`unshown-${player.id}`).hidden = false;
      if (player.error && player === lead && players.length > 1 && !source.error) {
        lead = source;
        const choice = document.querySelector("input[name=hear][value=source]");
        if (choice) choice.checked = true;
        hear("source");
      }
    };
    ["error", "loadedmetadata"].forEach((event) => player.addEventListener(event, judge));
    judge();
  });

  const show = () => {
    const now = lead.currentTime * 1000;
    let current = null;
    rows.forEach((row) => {
      const on = now >= Number(row.dataset.start) && now < Number(row.dataset.end);
      row.classList.toggle("now", on);
      if (on) current = row;
    });
    captions.source.textContent = current ? current.querySelector(".said").textContent : "";
    captions.dub.textContent = current ? current.querySelector(".dubbed").textContent : "";
    strips.forEach((strip) => {
      const start = Number(strip.dataset.start);
      const share = (now - start) / (Number(strip.dataset.end) - start);
      const head = strip.querySelector(".head");
      head.style.display = share >= 0 && share < 1 ? "inline" : "none";
      head.setAttribute("transform", `translate(${share * Number(strip.dataset.width)} 0)`);
    });
    if (!lead.paused && lead === dub && players.length > 1 && !source.error && Math.abs(source.currentTime - dub.currentTime) > 0.12) {
      source.currentTime = dub.currentTime;
    }
    requestAnimationFrame(show);
  };
  show();
})();
