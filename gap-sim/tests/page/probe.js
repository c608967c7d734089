"use strict";
// Works the page as a person would, and writes what it saw where the test reads it.
const all = selector => [...document.querySelectorAll(selector)];
const kinds = () => all("#chart g.file").map(g => g.dataset.kind);
const at = () => Number(document.getElementById("now").dataset.at);
const slide = value => { const slider = document.getElementById("slider"); slider.value = value; slider.dispatchEvent(new Event("input")); };
const press = id => document.getElementById(id).click();
const seen = { opened: at() };

const meet = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const overlaps = () => {
  const boxes = all("#chart text").map(text => ({ text: text.textContent, box: text.getBBox() }));
  return boxes.flatMap((one, i) => boxes.slice(i + 1).filter(other => meet(one.box, other.box)).map(other => [one.text, other.text]));
};
const outside = () => { const width = document.getElementById("chart").viewBox.baseVal.width;
  return all("#chart text").map(text => ({ text: text.textContent, box: text.getBBox() })).filter(t => t.box.x < 0 || t.box.x + t.box.width > width).map(t => t.text); };
const light = hex => { const part = i => { const v = parseInt(hex.slice(i, i + 2), 16) / 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
  return .2126 * part(1) + .7152 * part(3) + .0722 * part(5); };
const contrast = (one, other) => { const [a, b] = [one, other].map(name => light(getComputedStyle(document.documentElement).getPropertyValue(name).trim())).sort();
  return (b + .05) / (a + .05); };

slide(1000);
seen.end = { at: at(), kinds: kinds(), again: all("#chart .again").length, known: all("#chart .known").length, away: all("#chart .away").length,
  outages: all("#chart .outage").length, watermarks: all("#chart path.watermark").map(path => path.getAttribute("d")) };
seen.layout = { overlaps: overlaps(), outside: outside(), width: document.getElementById("chart").clientWidth, scrolls: document.documentElement.scrollWidth > innerWidth };
slide(0);
seen.start = { at: at(), kinds: kinds(), later: all("#story li.later").length };
seen.way = [];
for (let value = 0; value <= 1000; value += 5) { slide(value); seen.way.push({ at: at(), kinds: [...new Set(kinds())], files: kinds().length }); }
slide(500); const before = at();
press("forth"); seen.forth = at() - before; press("back"); seen.back = at() - before;
const item = all("#story li").find(li => li.textContent.includes("confirm")); item.click(); seen.clicked = at() - Number(item.dataset.at);
slide(1000);
const plain = kinds().length; document.getElementById("statuses").click(); seen.statuses = kinds().length - plain; document.getElementById("statuses").click();
const speech = () => ({ lang: document.documentElement.lang, title: document.title, lesson: document.getElementById("lesson").textContent,
  story: all("#story li").map(li => li.textContent), legend: all("#legend span").map(s => s.textContent), ending: all("#ending li").length });
seen.first = speech(); press("lang"); seen.second = speech(); seen.layout.overlaps.push(...overlaps());
seen.contrast = ["--ink", "--soft", "--inward", "--outward", "--good", "--bad", "--late", "--now"].map(name => [name, contrast(name, "--card")]);
seen.contrast.push(["--gate-ink", contrast("--gate-ink", "--gate")], ["--ink on paper", contrast("--ink", "--paper")]);
seen.dark = light(getComputedStyle(document.documentElement).getPropertyValue("--paper").trim()) < .2;
seen.resources = performance.getEntriesByType("resource").map(entry => entry.name);
seen.faults = window.faults;
const out = document.createElement("pre"); out.id = "probe"; out.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(seen)))); document.body.append(out);
