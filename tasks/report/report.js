(() => {
  "use strict";
  // Where the review server shows this page, it also has the one on which the dub is edited and approved.
  const served = /^\/titles\/([0-9a-f]{16})\/([^/]+)\/report\.html$/.exec(location.pathname);
  if (served && location.protocol.startsWith("http")) {
    const review = document.getElementById("review");
    review.href = `/review/${served[1]}/${served[2]}`;
    review.hidden = false;
  }
  const source = document.getElementById("source");
  const dub = document.getElementById("dub");
  const players = [source, dub].filter(Boolean);
  if (!players.length) return;
  const APART_S = 0.12;
  let lead = dub || source;
  let playing = false;
  let rate = 1;
  const sent = new Map(); // where we sent a player that has not arrived yet
  const absent = new Set(); // players without a file
  const rows = [...document.querySelectorAll("tr[data-start]")];
  const strips = [...document.querySelectorAll("svg[data-start]")];
  const captions = { source: document.getElementById("now-source"), dub: document.getElementById("now-dub") };
  const button = document.getElementById("play");
  const present = () => players.filter((player) => !absent.has(player));
  const others = (player) => present().filter((other) => other !== player);
  const past = (player, time) => player.duration > 0 && time >= player.duration;
  const hear = (name) => players.forEach((player) => { player.muted = player.id !== name; });

  const send = (player, time) => {
    if (Math.abs(player.currentTime - time) <= 0.001) return;
    sent.set(player, past(player, time) ? player.duration : time);
    player.currentTime = time;
  };
  const seek = (ms) => present().forEach((player) => send(player, ms / 1000));
  const go = (wanted, from) => {
    playing = wanted;
    button.textContent = wanted ? "Pause both" : "Play both";
    present().forEach((player) => {
      if (!wanted) return player.pause();
      if (player !== from && past(player, from.currentTime)) return undefined;
      if (player !== from && Math.abs(player.currentTime - from.currentTime) > APART_S) send(player, from.currentTime);
      return player.paused && player.play().catch(() => undefined);
    });
  };

  // What is done to one player is done to the other. What a player tells that is known already was our own doing.
  players.forEach((player) => {
    const turned = () => {
      if (player.paused === !playing || absent.has(player)) return;
      if (player.paused && player.ended && others(player).some((other) => !other.paused)) return;
      go(!player.paused, player);
    };
    player.addEventListener("play", turned);
    player.addEventListener("pause", turned);
    player.addEventListener("ratechange", () => {
      if (player.playbackRate === rate) return;
      rate = player.playbackRate;
      others(player).forEach((other) => { other.playbackRate = rate; });
    });
    player.addEventListener("seeking", () => {
      if (sent.has(player) && Math.abs(sent.get(player) - player.currentTime) < 0.05) return;
      sent.delete(player);
      others(player).forEach((other) => {
        if (Math.abs(other.currentTime - player.currentTime) > APART_S) send(other, player.currentTime);
      });
    });
    player.addEventListener("seeked", () => { if (!player.seeking) sent.delete(player); });
    player.addEventListener("loadedmetadata", () => {
      const [other] = others(player);
      if (other && other.currentTime > APART_S) send(player, other.currentTime);
      player.playbackRate = rate;
      if (playing && other && !past(player, other.currentTime)) player.play().catch(() => undefined);
    });
  });

  document.querySelectorAll(".controls").forEach((bar) => { bar.hidden = false; });
  button.addEventListener("click", () => go(!playing, lead));
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

  // One stop of the Tab key for all lines; from there by arrows.
  const lines = rows.map((row) => row.querySelector(".go"));
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -lines.length, End: lines.length };
  lines.forEach((line, at) => {
    line.addEventListener("focus", () => lines.forEach((other) => { other.tabIndex = other === line ? 0 : -1; }));
    line.addEventListener("keydown", (event) => {
      if (!(event.key in step) || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      lines[Math.min(lines.length - 1, Math.max(0, at + step[event.key]))].focus();
    });
  });

  // A file may be elsewhere, nowhere, or one that the browser cannot decode: then an error, or a sound alone.
  const lost = (player) => {
    absent.add(player);
    const [other] = others(player);
    if (!other || player !== lead) return;
    lead = other;
    const choice = document.querySelector(`input[name=hear][value=${other.id}]`);
    if (choice) choice.checked = true;
    hear(other.id);
  };
  players.forEach((player) => {
    const places = player.dataset.else.split(" ").filter(Boolean);
    const say = (what) => { document.getElementById(`${what}-${player.id}`).hidden = false; };
    let there = false; // in one of its places, though it cannot be shown
    const judge = () => {
      if (!player.error) {
        if (player.tagName === "VIDEO" && player.readyState > 0 && !player.videoWidth) say("unshown");
        return;
      }
      there = there || !/format error|not found|failed to open|rejected/i.test(player.error.message || "");
      if (places.length) {
        player.src = `${places.shift()}#t=0.04`;
        return;
      }
      player.hidden = !there;
      say(there ? "unshown" : "absent");
      lost(player);
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
    const together = players.length > 1 && players.every((player) => !player.paused && !player.seeking);
    if (together && Math.abs(source.currentTime - dub.currentTime) > APART_S) send(source, dub.currentTime);
    requestAnimationFrame(show);
  };
  show();
})();
