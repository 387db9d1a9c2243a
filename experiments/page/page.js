// Glue between the page's fields, its charts and the rule in choosing.js.

const data = JSON.parse(document.getElementById("data").textContent);
const study = data.study;
const views = {};
const at = (id) => document.getElementById(id);
const whole = (number) => Math.round(number).toLocaleString("en-US");
const percent = (share) => `${(100 * share).toFixed(2)} %`;
const state = { country: 0, predictions: study ? study.predictions : 0, need: null };

function grams(price) {
  const now = repriced(price, state.country);
  return amount(now.g, now.low, now.high, "g");
}

function reprice() {
  document.querySelectorAll("data.grams").forEach((element) => {
    const end = (name) => (name in element.dataset ? Number(element.dataset[name]) : null);
    const price = { g: Number(element.value), low: end("low"), high: end("high"), wh: end("wh") };
    element.textContent = grams(price);
  });
  Object.values(views).forEach((view) => set(view, { price: state.country }));
}

function set(view, signals) {
  if (!view) return;
  const known = view.getState({ signals: () => true }).signals;
  Object.entries(signals).forEach(([name, value]) => {
    if (name in known) view.signal(name, value);
  });
  view.runAsync();
}

function readNeed() {
  const kind = at("need-kind").value;
  const field = at("need-value");
  at("need-value-row").hidden = kind === "knee";
  at("need-unit").textContent = kind === "least" ? "%" : "points";
  const value = field.valueAsNumber;
  field.setAttribute("aria-invalid", String(kind !== "knee" && !Number.isFinite(value)));
  return { kind, value: Number.isFinite(value) ? value : 0 };
}

function scale() {
  return state.country > 0 && study.intensity ? state.country / study.intensity : 1;
}

function recommend() {
  const choice = choose(study.candidates, state.need, state.predictions, scale());
  const chosen = choice.chosen;
  at("recommended").textContent = chosen ? chosen.name : "None of these";
  at("recommended").dataset.run = chosen ? chosen.run : "";
  at("reason").textContent = reason(choice);
  at("facts").hidden = !chosen;
  if (chosen) tell(choice);
  document.querySelectorAll("tr[data-run]").forEach((row) => {
    row.classList.toggle("chosen", Boolean(chosen) && row.dataset.run === chosen.run);
  });
  const run = chosen ? chosen.run : "";
  set(views.front, { chosen: run });
  set(views.lives, {
    chosen: run,
    able: choice.able.map((one) => one.run),
    scale: scale(),
    predictions: state.predictions,
    paid: (chosen && chosen.paid) || 0,
  });
}

function reason(choice) {
  const sure = `${digits(100 * study.confidence)} % sure`;
  if (!choice.best) return "No member of the front keeps to the limits that were asked for.";
  if (!choice.chosen) {
    return `No model on the front is ${sure} to validate at ${percent(choice.floor)}; the nearest is`
      + ` ${choice.best.name}, sure of ${percent(choice.best.bound)}.`;
  }
  if (state.need.kind === "least") {
    return `The cheapest that is ${sure} to validate at ${percent(choice.floor)} at least.`;
  }
  if (state.need.kind === "within") {
    return `The cheapest whose lower bound is within ${state.need.value} points of the best's`
      + ` (${percent(choice.best.bound)}).`;
  }
  return "The knee of the front, accuracy against log10 of the grams.";
}

function tell({ chosen, cheaper, dearer }) {
  const life = cost(chosen, state.predictions, scale());
  at("life").textContent = quantity(life, "g");
  at("training").textContent = quantity(chosen.training_g * scale(), "g");
  at("thousand").textContent = quantity(chosen.inference_g_per_1k * scale(), "g");
  at("bound").textContent = percent(chosen.bound);
  at("test").textContent = `${chosen.test} (${chosen.test_low}–${chosen.test_high})`;
  at("size").textContent = `${chosen.parameters} weights, ${chosen.latency}`;
  const step = (other, way) => {
    if (!other) return "";
    const times = digits(cost(other, state.predictions, scale()) / life);
    const points = 100 * (other.val - chosen.val);
    const sign = points < 0 ? "−" : "+";
    return `One step ${way}: ${other.name} costs ${times} times as much, the search left out, and`
      + ` validates ${sign}${Math.abs(points).toFixed(2)} points.`;
  };
  at("cheaper").textContent = step(cheaper, "down");
  at("dearer").textContent = step(dearer, "up");
  at("paying").textContent =
    `Against ${study.baseline} without a search, the search ${chosen.paying}.`;
}

function look(run) {
  const found = study.runs.find((one) => one.run === run);
  if (!found) return;
  at("run-shown").value = run;
  at("run-facts").textContent = `validates at ${found.val}, training emitted`
    + ` ${grams(found.training)}, ${found.weights} weights, augmentation: ${found.augmentation}`;
  at("run-link").value = found.link;
  at("copied").textContent = "";
  set(views.front, { looked_at: run });
}

async function copyLink() {
  const field = at("run-link");
  field.focus();
  field.select();
  let copied = false;
  try {
    copied = document.execCommand("copy");
  } catch {
    copied = false;
  }
  at("copied").textContent = copied ? "Copied." : "Selected: copy it with Ctrl+C.";
}

function showPredictions() {
  const text = `${whole(state.predictions)} predictions`;
  at("predictions-text").textContent = text;
  at("predictions").setAttribute("aria-valuetext", text);
}

function listen() {
  at("country").addEventListener("change", (event) => {
    state.country = Number(event.target.value);
    reprice();
    if (study) {
      recommend();
      look(at("run-shown").value);
    }
  });
  if (!study) return;
  at("predictions").addEventListener("input", (event) => {
    const power = Number(event.target.value);
    state.predictions = power === 0 ? 0 : Number((10 ** power).toPrecision(2));
    showPredictions();
    recommend();
  });
  ["need-kind", "need-value"].forEach((id) => at(id).addEventListener("input", () => {
    state.need = readNeed();
    recommend();
  }));
  at("run-shown").addEventListener("change", (event) => look(event.target.value));
  at("copy").addEventListener("click", copyLink);
  document.querySelectorAll("button[data-run]").forEach((button) => {
    button.addEventListener("click", () => {
      look(button.dataset.run);
      at("run-shown").focus();
    });
  });
}

async function start() {
  const options = { actions: false, renderer: "svg", config: data.config, logLevel: 1 };
  await Promise.all(Object.entries(data.charts).map(async ([id, spec]) => {
    views[id] = (await vegaEmbed(`#chart-${id}`, spec, options)).view;
  }));
  listen();
  if (study) {
    at("predictions").value = state.predictions >= 1 ? Math.log10(state.predictions) : 0;
    at("need-kind").value = study.need.kind;
    at("need-value").value = study.need.value === null ? 90 : study.need.value;
    state.need = readNeed();
    showPredictions();
    recommend();
    look(at("recommended").dataset.run || study.runs[0].run);
    views.front.addEventListener("click", (_, item) => {
      if (item && item.datum && item.datum.run) look(item.datum.run);
    });
  }
  document.documentElement.dataset.ready = "true";
}

window.ecotrack = { choose, quantity, amount, repriced };
start();
