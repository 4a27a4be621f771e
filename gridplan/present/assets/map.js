"use strict";

/** Starts the map of a plan: `map` is folium's Leaflet map, `plan` the data of payload.py. */
function gridplanMap(map, plan) {
  const INK = "#1d2429";
  const TINY = 1e-6;
  const block = document.getElementById("gp-block");
  const root = document.documentElement;
  const lang = () => (root.dataset.lang === "en" ? 1 : 0);
  const t = (key) => plan.words[key][lang()];
  const said = (pair) => pair[lang()];
  const format = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en-US"));
  /* Loads beside each other have the same decimals; large ones are whole. */
  const figure = (load, value) => {
    if (value === null || value === undefined) return "–";
    const digits = Math.abs(value) < 100 ? load.digits : 0;
    return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  };
  const metres = (value) => (value === null || value === undefined ? t("none") : `${format(value)} m`);

  /* Geometry: differences in steps of 1e-6 degrees from the origin. */
  const path = (steps) => {
    let lat = plan.origin[0], lng = plan.origin[1];
    const points = [];
    for (let i = 0; i < steps.length; i += 2) {
      lat += steps[i];
      lng += steps[i + 1];
      points.push([lat * TINY, lng * TINY]);
    }
    return points;
  };
  const polygon = (parts) => parts.map((rings) => rings.map(path));
  const point = (steps) => path(steps)[0];

  /* Panes, from the ground up. Only the cells listen to the mouse. */
  const panes = { land: 350, water: 410, buildings: 415, streets: 420, estates: 425, lines: 430, communities: 433, gates: 436, routes: 440, hit: 450, labels: 620 };
  for (const [name, height] of Object.entries(panes)) {
    map.createPane(name).style.zIndex = height;
    map.getPane(name).style.pointerEvents = "none";
  }
  const still = (pane, style) => ({ pane, interactive: false, ...style });
  const areas = (shapes, style) => L.layerGroup(shapes.map((parts) => L.polygon(polygon(parts), style)));

  const ground = plan.ground;
  areas(ground.land, still("land", { stroke: false, fillColor: "#fbfbf9", fillOpacity: 1 })).addTo(map);
  areas(ground.land, still("lines", { color: INK, weight: 3, fill: false })).addTo(map);

  /* Cells. */
  const cells = plan.cells;
  const shapes = cells.shapes.map((parts, i) => Object.assign(
    L.polygon(polygon(parts), { stroke: true, color: "#aeb6bb", weight: 0.5, opacity: 0.9, fillOpacity: 0.9 }), { at: i }));
  const layers = { cells: L.featureGroup(shapes) };

  /* Zone systems by measure: the main one is "zones", another "zones:" and its name. */
  const systems = {};
  if (plan.zones) systems.zones = { ...plan.zones, of_cell: cells.zone };
  for (const one of plan.systems) systems[`zones:${one.key}`] = one;
  const tint = (i) => {
    const own = systems[measure], at = own.of_cell[i];
    return at >= 0 ? own.tint[at] : "#f1f1ee";
  };
  let measure = plan.start;
  const paint = () => {
    const zones = measure in systems;
    const colours = zones ? null : plan.measures[measure].all;
    const member = zones ? null : cells.class[measure];
    shapes.forEach((shape, i) => shape.setStyle({ fillColor: zones ? tint(i) : colours[member[i]] }));
  };

  /* Layers over the cells. */
  layers.water = areas(ground.water, still("water", { color: "#93b7ca", weight: 0.8, fillColor: "#bcd5e2", fillOpacity: 1 }));
  layers.buildings = L.layerGroup(ground.buildings.length
    ? [L.polygon(ground.buildings.flatMap(polygon), still("buildings", { stroke: false, fillColor: "#20282e", fillOpacity: 0.2 }))] : []);
  layers.streets = L.layerGroup([L.polyline(ground.streets.map(path), still("streets", { color: "#ffffff", weight: 1.6, opacity: 0.95 }))]);
  layers.estates = areas(plan.estates.shapes, still("estates", { color: "#7d5a3c", weight: 1.1, fill: false }));
  layers.zone_lines = L.layerGroup();
  const zoneLines = {};
  function drawZoneLines() {
    const key = measure in systems ? measure : "zones";
    layers.zone_lines.clearLayers();
    if (!systems[key]) return;
    zoneLines[key] ||= L.polyline(systems[key].lines.map(path), still("lines", { color: "#3f4a52", weight: 1.4 }));
    layers.zone_lines.addLayer(zoneLines[key]);
    counts.zone_lines = systems[key].id.length;
    count();
  }
  layers.gates = L.layerGroup(plan.gates.map((at) => L.circleMarker(point(at), still("gates", { radius: 3, stroke: true, color: "#fff", weight: 1, fillColor: "#7d5a3c", fillOpacity: 1 }))));
  const walks = plan.walks;
  const routes = walks.shapes.flatMap((lines, i) => {
    const line = lines.map(path);
    const start = L.circleMarker(line[0][0], { pane: "routes", radius: 5, stroke: true, color: "#fff", weight: 1.5, fillColor: "#7a1f6d", fillOpacity: 1 });
    start.bindTooltip(() => card(walkFacts(i)), { className: "gp-tip", direction: "top" }).on("click", () => show(() => walkFacts(i)));
    return [L.polyline(line, still("routes", { color: "#fff", weight: 6, opacity: 0.8 })), L.polyline(line, still("routes", { color: "#7a1f6d", weight: 3 })), start];
  });
  layers.walks = L.layerGroup(routes);
  const communities = plan.communities;
  const labels = communities.name.map((name, i) => {
    const span = document.createElement("span");
    span.textContent = name || communities.id[i];
    return L.marker(point(communities.label[i]), { pane: "labels", interactive: false, keyboard: false, icon: L.divIcon({ className: "gp-label", html: span, iconSize: null }) });
  });
  layers.communities = L.layerGroup([
    L.polyline(communities.lines.map(path), still("communities", { color: "#fff", weight: 4.5, opacity: 0.8 })),
    L.polyline(communities.lines.map(path), still("communities", { color: INK, weight: 2, dashArray: "10 4 2 4" })),
    ...labels,
  ]);

  /* Points are elements of the page, so that they can be reached by keyboard. */
  const star = '<svg viewBox="0 0 24 24" width="24" height="24"><path d="M12 1.6l2.9 7.3 7.8.5-6 5 2 7.6L12 17.8 5.3 22l2-7.6-6-5 7.8-.5z" fill="#c8321f" stroke="#fff" stroke-width="1.5" stroke-linejoin="round"/></svg>';
  const square = '<svg viewBox="0 0 16 16" width="16" height="16"><rect x="2" y="2" width="12" height="12" fill="#1d2429" stroke="#fff" stroke-width="1.6"/></svg>';
  const ring = '<svg viewBox="0 0 16 16" width="16" height="16"><circle cx="8" cy="8" r="5" fill="#fff" stroke="#1d2429" stroke-width="2.4"/></svg>';
  const pin = (at, svg, size, facts, top) => {
    const marker = L.marker(point(at), { zIndexOffset: top, riseOnHover: true, icon: L.divIcon({ className: "gp-icon", html: svg, iconSize: [size, size] }) });
    marker.facts = facts;
    marker.bindTooltip(() => card(facts()), { className: "gp-tip", direction: "top", offset: [0, -8] });
    marker.on("click keypress", () => show(facts));
    marker.on("add", () => marker.getElement().setAttribute("aria-label", facts().title));
    return marker;
  };
  const committeePins = plan.committees.at.map((at, i) => pin(at, square, 16, () => committeeFacts(i), 100));
  layers.committees = L.layerGroup(committeePins);
  const rooms = plan.rooms;
  const roomPins = rooms.at.map((at, i) => pin(at, rooms.new[i] ? star : ring, rooms.new[i] ? 24 : 16, () => roomFacts(i), rooms.new[i] ? 300 : 200));
  const diamond = '<svg viewBox="0 0 16 16" width="16" height="16"><path d="M8 1.5 14.5 8 8 14.5 1.5 8z" fill="#2f6f4f" stroke="#fff" stroke-width="1.6"/></svg>';
  const facilities = plan.facilities;
  layers.facilities = L.layerGroup(facilities.at.map((at, i) => pin(at, diamond, 16, () => facilityFacts(i), 50)));
  layers.existing = L.layerGroup(roomPins.filter((_, i) => !rooms.new[i]));
  layers.proposed = L.layerGroup(roomPins.filter((_, i) => rooms.new[i]));

  const mix = plan.mix;
  const disc = '<svg viewBox="0 0 20 20" width="20" height="20"><circle cx="10" cy="10" r="8" fill="#0b6e99" stroke="#fff" stroke-width="1.6"/><circle cx="10" cy="10" r="3.4" fill="none" stroke="#fff" stroke-width="1.8"/></svg>';
  const wedge = '<svg viewBox="0 0 20 20" width="20" height="20"><path d="M10 1.8 19 18H1z" fill="#0b6e99" stroke="#fff" stroke-width="1.6" stroke-linejoin="round"/></svg>';
  const mixPins = mix.at.map((at, i) => pin(at, mix.place[i] ? disc : wedge, 20, () => mixFacts(i), 400));
  layers.mix_rooms = L.layerGroup(mixPins.filter((_, i) => mix.place[i]));
  layers.mix_links = L.layerGroup(mixPins.filter((_, i) => !mix.place[i]));

  const conflicts = plan.conflicts;
  const spots = conflicts.id.map((_, i) => {
    const spot = L.circleMarker(point(conflicts.at[i]), { pane: "routes", radius: 6, stroke: true, color: "#fff", weight: 1.5, fillColor: conflicts.colour[i], fillOpacity: 1 });
    return spot.bindTooltip(() => card(conflictFacts(i)), { className: "gp-tip", direction: "top" }).on("click", () => { mark(conflicts.shapes[i]); show(() => conflictFacts(i)); });
  });
  layers.conflicts = L.layerGroup([
    ...conflicts.shapes.map((parts, i) => L.polygon(polygon(parts), still("lines", { color: conflicts.colour[i], weight: 2, fillColor: conflicts.colour[i], fillOpacity: 0.45 }))),
    ...spots,
  ]);

  /* Facts of one object, for tooltip, details and search. */
  const name = (list, i) => (i >= 0 ? list[i] : null);
  function cellFacts(i) {
    const rows = [
      [t("community"), name(communities.name, cells.community[i]) || "–"],
      [t("zone"), plan.zones ? name(plan.zones.id, cells.zone[i]) || "–" : "–"],
      ...plan.systems.map((one) => [said(one.label), name(one.id, one.of_cell[i]) || "–"]),
      [t("people"), format(cells.people[i])],
      [t("area"), `${format(cells.area[i])} m²`],
    ];
    if (cells.people[i]) {
      rows.push([t("committee_walk"), metres(cells.committee_walk[i])]);
      rows.push([t("before"), metres(cells.before[i])]);
      if (cells.after.length) rows.push([t("after"), metres(cells.after[i])]);
    }
    if (cells.exception[i] >= 0) rows.push([t("exception"), said(cells.exceptions[cells.exception[i]])]);
    rows.push([t("uid"), cells.uid[i]]);
    return { title: `${t("cell")} ${cells.id[i] || cells.uid[i]}`, rows };
  }
  function committeeFacts(i) {
    const one = plan.committees;
    const rows = [[t("own"), format(one.own[i])], [t("nearest"), format(one.nearest[i])]];
    return { title: one.name[i] || one.id[i], rows, notes: one.inside[i] ? [] : [t("outside")] };
  }
  function facilityFacts(i) {
    const rows = [[t("kind"), facilities.kind[i]]];
    if (facilities.points[i] > 1) rows.push([t("service_point"), `${facilities.point[i]} / ${facilities.points[i]}`]);
    return { title: facilities.name[i] || facilities.id[i], rows };
  }
  function walkFacts(i) {
    const rows = [[t("people"), format(walks.people[i])], [t("own_walk"), metres(walks.metres[i])], [t("straight"), metres(walks.straight[i])]];
    return { title: `${t("walk")} ${format(walks.rank[i])}`, rows, notes: [said(walks.why[i])] };
  }
  function roomFacts(i) {
    const rows = [
      [t("kind"), said(rooms.kind[i])],
      [t("served"), format(rooms.people[i])],
      [t("mean"), rooms.mean[i] === null ? "–" : metres(rooms.mean[i])],
      [t("max"), rooms.max[i] === null ? "–" : metres(rooms.max[i])],
      [rooms.assumed[i] ? t("footprint") : t("area"), rooms.area[i] === null ? "–" : `${format(rooms.area[i])} m²`],
    ];
    const notes = [];
    if (rooms.why[i]) notes.push(`${t("why")}: ${said(rooms.why[i])}`);
    if (rooms.assumed[i]) notes.push(t("assumed"));
    return { title: `${t("room")} ${rooms.name[i] || rooms.id[i]}`, rows, notes };
  }
  function mixFacts(i) {
    const km = (value) => (value === null ? "–" : `${format(value)} ${t("person_km")}`);
    const rows = [
      [t("kind"), said(mix.kind[i])],
      [t("cost"), `${format(mix.cost[i])} ${t("yuan")}`],
      [t("helped"), format(mix.people[i])],
      [t("last"), km(mix.last[i])],
      [t("each"), mix.each[i] === null ? "–" : metres(mix.each[i])],
      [t("alone"), km(mix.alone[i])],
    ];
    if (mix.estate[i]) rows.splice(1, 0, [t("estate"), mix.estate[i]]);
    rows.push([t("id"), mix.id[i]]);
    return { title: mix.name[i] || said(mix.kind[i]), rows, notes: [t("in_mix")] };
  }
  const conflictFacts = (i) => ({
    title: `${t("conflict")} ${conflicts.id[i]}`,
    rows: [[t("kind"), said(conflicts.kind[i])], [t("claims"), conflicts.claims[i]], [t("area"), `${format(conflicts.area[i])} m²`], [t("people"), format(conflicts.people[i])]],
  });
  const zoneFacts = (own, i) => ({
    title: `${own.label ? said(own.label) : t("zone")} ${own.id[i]}${own.name[i] && own.name[i] !== own.id[i] ? ` ${own.name[i]}` : ""}`,
    rows: [
      [t("people"), format(own.people[i])], [t("cells"), format(own.cells[i])], [t("area"), `${format(own.area[i])} m²`],
      ...own.loads.filter((load) => !load.told).map((load) => [said(load.label), figure(load, load.of[i])]),
    ],
  });
  const communityFacts = (i) => ({
    title: communities.name[i] || communities.id[i],
    rows: [[t("people"), format(communities.people[i])], [t("households"), format(communities.households[i])]],
  });
  const estateFacts = (i) => ({
    title: plan.estates.name[i] || plan.estates.id[i],
    rows: [[t("kind"), t("estate")], [t("households"), format(plan.estates.households[i])]],
  });

  const element = (tag, text) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  function card(facts) {
    const box = element("div");
    box.className = "gp-facts";
    box.append(element("h4", facts.title));
    const list = element("dl");
    for (const [label, value] of facts.rows) list.append(element("dt", label), element("dd", value));
    box.append(list);
    for (const note of facts.notes || []) box.append(element("p", note));
    return box;
  }
  const details = document.getElementById("gp-details");
  let shown = null;
  /* Facts are made when shown, so that they can be said again in the other language. */
  function show(facts) {
    shown = facts;
    if (facts) details.replaceChildren(card(facts()));
    else {
      const hint = element("p", t("details"));
      hint.className = "gp-hint";
      details.replaceChildren(hint);
    }
  }
  layers.cells.bindTooltip((shape) => card(cellFacts(shape.at)), { sticky: true, className: "gp-tip", direction: "auto" });
  layers.cells.on("click", (event) => { mark(cells.shapes[event.layer.at]); show(() => cellFacts(event.layer.at)); });

  const hit = L.layerGroup().addTo(map);
  const mark = (parts) => {
    hit.clearLayers();
    if (parts) hit.addLayer(L.polygon(polygon(parts), still("hit", { color: "#d6006c", weight: 3.5, fill: false })));
  };

  /* Legend. */
  const titleOf = document.getElementById("gp-legend-title");
  const basis = document.getElementById("gp-legend-basis");
  const table = document.getElementById("gp-legend");
  function legend() {
    const chosen = plan.measures[measure];
    const system = systems[measure];
    const unit = measure === "residents" || system ? "" : " (m)";
    titleOf.textContent = (system && system.label ? said(system.label) : t(measure)) + unit;
    const target = { committee_walk: t("own_committee"), before: said(plan.basis), after: t("place") }[measure];
    basis.textContent = target ? `${t("to")}${lang() ? " " : ""}${target}` : "";
    table.replaceChildren();
    const abouts = system ? system.loads.filter((load) => load.about).map((load) => said(load.about)) : [];
    document.getElementById("gp-legend-note").textContent = chosen && chosen.own ? t("counting") : abouts.join(" ");
    if (system) {
      /* The system's own weights: residents would say nothing of zones even in something else. */
      const rows = [[t("zone_count"), format(system.id.length)]];
      for (const load of system.loads) {
        const of = load.of.filter((one) => one !== null);
        rows.push([`${said(load.label)}: ${t("fewest")}`, figure(load, Math.min(...of))], [`${said(load.label)}: ${t("most")}`, figure(load, Math.max(...of))]);
      }
      const body = table.createTBody();
      for (const [word, value] of rows) {
        const row = body.insertRow();
        row.insertCell().textContent = word;
        row.insertCell().textContent = value;
      }
    }
    if (!chosen) return;
    const head = table.createTHead().insertRow();
    for (const word of ["", "", t("cells"), t("people")]) head.append(element("th", word));
    const body = table.createTBody();
    for (const one of chosen.classes) {
      const row = body.insertRow();
      const swatch = element("i");
      swatch.style.background = one.colour;
      row.insertCell().append(swatch);
      row.insertCell().textContent = said(one.label);
      row.insertCell().textContent = format(one.cells);
      row.insertCell().textContent = format(one.people);
    }
  }

  /* Controls. */
  const measures = document.getElementById("gp-measures");
  const offered = { ...plan.measures, ...systems };
  for (const label of measures.querySelectorAll("label")) label.hidden = !(label.dataset.measure in offered);
  for (const label of measures.querySelectorAll("label[hidden]")) label.remove();
  function choose(next) {
    measure = next;
    measures.querySelector(`input[value="${CSS.escape(next)}"]`).checked = true;
    drawZoneLines();
    /* New rooms belong to the plan, not to today. */
    if (next === "before" || next === "after") toggle("proposed", next === "after");
    paint();
    legend();
  }
  measures.addEventListener("change", (event) => choose(event.target.value));

  const counts = {
    committees: plan.committees.at.length, existing: rooms.at.length - (rooms.new || []).filter(Boolean).length,
    proposed: (rooms.new || []).filter(Boolean).length, facilities: facilities.count, mix_rooms: (mix.place || []).filter(Boolean).length, mix_links: (mix.place || []).filter((one) => !one).length, walks: walks.rank.length, conflicts: conflicts.id.length, communities: communities.name.length,
    zone_lines: plan.zones ? plan.zones.id.length : 0, estates: plan.estates.id.length, gates: plan.gates.length,
    water: ground.water.length, streets: ground.streets.length, buildings: ground.buildings.length, cells: shapes.length,
  };
  const boxes = document.getElementById("gp-layers");
  let started = false;
  function toggle(layer, on) {
    const box = boxes.querySelector(`input[value="${layer}"]`);
    if (!box) return;
    box.checked = on;
    if (on) layers[layer].addTo(map);
    else layers[layer].remove();
    if (started) declutter();
  }
  for (const label of [...boxes.querySelectorAll("label")]) {
    const layer = label.dataset.layer;
    if (!counts[layer]) { label.remove(); continue; }
    toggle(layer, label.querySelector("input").checked);
  }
  const outside = plan.committees.inside.filter((one) => !one).length;
  function count() {
    for (const label of boxes.querySelectorAll("label")) {
      const beyond = label.dataset.layer === "committees" && outside;
      if (beyond) label.classList.add("gp-row");
      label.querySelector("b").textContent = beyond
        ? `${t("inside")} ${format(counts.committees - outside)} + ${t("outside")} ${format(outside)}` : format(counts[label.dataset.layer]);
    }
  }
  boxes.addEventListener("change", (event) => toggle(event.target.value, event.target.checked));

  /* A label moves aside for symbols and other labels; where there is no room it waits for a closer look. */
  const SHIFTS = [];
  for (const y of [0, 14, -14, 28, -28, 42, -42]) for (const x of [0, 18, -18, 36, -36, 54, -54]) SHIFTS.push([x, y]);
  SHIFTS.sort((a, b) => Math.hypot(...a) - Math.hypot(...b));
  const rings = communities.shapes.map((parts) => parts.flatMap((part) => part.map(path)));
  function within(outline, { lat, lng }) {
    let odd = false;
    for (const ring of outline) {
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [a, b] = [ring[i], ring[j]];
        if (a[0] > lat !== b[0] > lat && lng < ((b[1] - a[1]) * (lat - a[0])) / (b[0] - a[0]) + a[1]) odd = !odd;
      }
    }
    return odd;
  }
  function declutter() {
    const taken = [...block.querySelectorAll(".gp-icon")].map((icon) => icon.getBoundingClientRect());
    labels.forEach((label, i) => {
      const box = label.getElement();
      if (!box) return;
      const span = box.firstChild;
      span.style.translate = "0 0";
      const home = span.getBoundingClientRect();
      const at = ([x, y]) => ({ left: home.left + x, right: home.right + x, top: home.top + y, bottom: home.bottom + y });
      const anchor = map.latLngToContainerPoint(label.getLatLng());
      const free = SHIFTS.find((shift) => {
        const own = at(shift);
        return within(rings[i], map.containerPointToLatLng(anchor.add(shift))) && taken.every((other) => own.right < other.left || own.left > other.right || own.bottom < other.top || own.top > other.bottom);
      });
      box.style.visibility = free ? "visible" : "hidden";
      if (!free) return;
      span.style.translate = `${free[0]}px ${free[1]}px`;
      taken.push(at(free));
    });
  }
  map.on("zoomend", declutter);

  /* Search. */
  const query = document.getElementById("gp-query");
  const hits = document.getElementById("gp-hits");
  const goTo = (parts, facts) => () => { mark(parts); map.fitBounds(L.polygon(polygon(parts)).getBounds(), { maxZoom: 17, padding: [60, 60] }); show(facts); };
  const goToPoint = (pins, i) => () => { mark(null); map.setView(pins[i].getLatLng(), Math.max(map.getZoom(), 16)); show(pins[i].facts); if (pins[i]._map) pins[i].openTooltip(); };
  const goToMix = (i) => () => { toggle(mix.place[i] ? "mix_rooms" : "mix_links", true); goToPoint(mixPins, i)(); };
  const index = [
    ...communities.name.map((one, i) => ({ text: one, also: communities.id[i], kind: "community", go: goTo(communities.shapes[i], () => communityFacts(i)) })),
    ...Object.entries(systems).flatMap(([key, own]) => own.id.map((one, i) => ({
      text: one, also: own.name[i], kind: "zone", go: () => { if (key !== "zones") choose(key); goTo(own.shapes[i], () => zoneFacts(own, i))(); },
    }))),
    ...plan.committees.id.map((one, i) => ({ text: plan.committees.name[i] || one, also: one, kind: "committee", go: goToPoint(committeePins, i) })),
    ...rooms.id.map((one, i) => ({ text: rooms.name[i] || one, also: one, kind: "room", go: goToPoint(roomPins, i) })),
    ...mix.id.map((one, i) => ({ text: mix.name[i] || one, also: `${one} ${mix.estate[i] || ""} ${mix.kind[i].join(" ")}`, kind: "measure_of", go: goToMix(i) })),
    ...conflicts.id.map((one, i) => ({ text: one, also: conflicts.claims[i], kind: "conflict", go: () => { toggle("conflicts", true); goTo(conflicts.shapes[i], () => conflictFacts(i))(); } })),
    ...plan.estates.id.map((one, i) => ({ text: plan.estates.name[i] || one, also: one, kind: "estate", go: goTo(plan.estates.shapes[i], () => estateFacts(i)) })),
    ...cells.uid.map((one, i) => ({ text: cells.id[i] || one, also: one, kind: "cell", go: goTo(cells.shapes[i], () => cellFacts(i)) })),
  ];
  function find() {
    const wanted = query.value.trim().toLowerCase();
    hits.replaceChildren();
    if (!wanted) return [];
    const found = index.filter((one) => `${one.text || ""}\n${one.also || ""}`.toLowerCase().includes(wanted)).slice(0, 12);
    for (const one of found) {
      const item = element("li");
      const button = element("button", one.text);
      button.type = "button";
      button.append(element("small", t(one.kind)));
      button.addEventListener("click", () => { hits.replaceChildren(); one.go(); });
      item.append(button);
      hits.append(item);
    }
    if (!found.length) {
      const item = element("li");
      item.append(element("p", t("nothing")));
      hits.append(item);
    }
    return found;
  }
  query.addEventListener("input", find);
  query.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hits.replaceChildren();
    if (event.key !== "Enter") return;
    event.preventDefault();
    const found = find();
    if (found.length) { hits.replaceChildren(); found[0].go(); }
  });

  /* Whole place, printing, language. */
  const whole = () => map.fitBounds(plan.bounds, { padding: [14, 14], animate: false });
  document.getElementById("gp-whole").addEventListener("click", () => { mark(null); whole(); });
  document.getElementById("gp-print").addEventListener("click", () => window.print());
  /* Browsers lose stacked canvases on paper, and draw them a frame too late: print pictures of them. */
  const stills = [];
  function freeze() {
    map.eachLayer((layer) => {
      if (!(layer instanceof L.Canvas) || !layer._ctx) return;
      layer._redraw();
      const canvas = layer._container;
      const still = new Image(canvas.width, canvas.height);
      still.decoding = "sync";
      still.src = canvas.toDataURL();
      still.className = "gp-still";
      still.style.cssText = canvas.style.cssText;
      canvas.after(still);
      canvas.style.visibility = "hidden";
      stills.push([still, canvas]);
    });
  }
  function thaw() {
    for (const [still, canvas] of stills.splice(0)) {
      still.remove();
      canvas.style.visibility = "";
    }
  }
  let before = null;
  window.addEventListener("beforeprint", () => {
    before = { centre: map.getCenter(), zoom: map.getZoom() };
    root.classList.add("gp-printing");
    map.invalidateSize({ animate: false });
    whole();
    declutter();
    freeze();
  });
  window.addEventListener("afterprint", () => {
    root.classList.remove("gp-printing");
    thaw();
    map.invalidateSize({ animate: false });
    if (before) map.setView(before.centre, before.zoom, { animate: false });
  });
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  let source = null;
  function speak() {
    for (const one of block.querySelectorAll("[data-placeholder]")) one.placeholder = t(one.dataset.placeholder);
    for (const one of block.querySelectorAll("[data-label]")) one.setAttribute("aria-label", t(one.dataset.label));
    map.getContainer().setAttribute("aria-label", t("map"));
    if (source) map.attributionControl.removeAttribution(source);
    source = said(plan.source).replace(/&/g, "&amp;").replace(/</g, "&lt;");
    map.attributionControl.addAttribution(source);
    legend();
    count();
    show(shown);
    find();
  }
  document.addEventListener("gridplan:lang", speak);

  layers.cells.addTo(map);
  whole();
  choose(measure);
  speak();
  started = true;
  declutter();
  window.addEventListener("load", () => { map.invalidateSize({ animate: false }); whole(); declutter(); });
  block.dataset.ready = "yes";
}
