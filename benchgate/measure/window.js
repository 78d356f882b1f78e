// The user's k6 options → the same load, played in the time of one window.
//
// Start times, durations and stages shrink (or stretch) by one factor, so that
// scenarios keep their order and overlap; rates and numbers of users stay.

const SECONDS = { ns: 1e-9, us: 1e-6, "µs": 1e-6, "μs": 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400 };

// k6 refuses shorter durations.
const SHORTEST = 1;
// Iterations that are under way when the window ends are in no metric anyway.
const GRACEFUL_STOP = "2s";
const BY_ITERATIONS = ["shared-iterations", "per-vu-iterations"];

function secondsOf(duration) {
  if (duration === undefined || duration === null) return 0;
  // A bare number is in milliseconds.
  if (!isNaN(Number(duration))) return Number(duration) / 1000;
  const parts = String(duration).matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h|d)/g);
  return [...parts].reduce((sum, [, number, unit]) => sum + Number(number) * SECONDS[unit], 0);
}

const text = (seconds) => `${Math.round(seconds * 1000)}ms`;

function lengthOf(scenario) {
  const stages = scenario.stages || [];
  return secondsOf(scenario.duration) + stages.reduce((sum, stage) => sum + secondsOf(stage.duration), 0);
}

// What k6 makes of the options that stand for a single scenario.
function scenariosOf({ scenarios, stages, duration, vus }) {
  if (scenarios) return scenarios;
  if (stages && stages.length) return { default: { executor: "ramping-vus", startVUs: vus ?? 1, stages } };
  return { default: { executor: "constant-vus", vus: vus ?? 1, duration: duration || "1s" } };
}

function byIterations(user) {
  if (user.scenarios) return Object.keys(user.scenarios).filter((name) => BY_ITERATIONS.includes(user.scenarios[name].executor));
  return user.iterations && !(user.stages && user.stages.length) ? ["default"] : [];
}

function inWindow(scenario, factor, total) {
  const start = secondsOf(scenario.startTime) * factor;
  const changed = { ...scenario, startTime: text(start), gracefulStop: GRACEFUL_STOP };
  if (BY_ITERATIONS.includes(scenario.executor)) {
    // A number of iterations may be over at once or never: as many users for the time instead.
    const { iterations, maxDuration, ...rest } = changed;
    return { ...rest, executor: "constant-vus", vus: scenario.vus ?? 1, duration: text(Math.max(SHORTEST, total - start)) };
  }
  if (scenario.executor === "ramping-vus") changed.gracefulRampDown = GRACEFUL_STOP;
  if (scenario.stages) {
    changed.stages = scenario.stages.map((stage) => ({ ...stage, duration: text(secondsOf(stage.duration) * factor) }));
  }
  if (scenario.duration) changed.duration = text(Math.max(SHORTEST, secondsOf(scenario.duration) * factor));
  return changed;
}

// Thresholds go: the gate judges, and one that aborts would cut the window.
export function inWindowOptions(user, total) {
  const { scenarios, stages, duration, iterations, vus, thresholds, ...rest } = user || {};
  const played = scenariosOf(user || {});
  const ends = Object.values(played).map((scenario) => {
    const start = secondsOf(scenario.startTime);
    // A scenario of iterations has no length: it counts as long as what is before it.
    return start + (BY_ITERATIONS.includes(scenario.executor) ? start : lengthOf(scenario));
  });
  const whole = Math.max(...ends);
  const factor = whole > 0 ? total / whole : 1;
  const changed = Object.entries(played).map(([name, scenario]) => [name, inWindow(scenario, factor, total)]);
  return { ...rest, scenarios: Object.fromEntries(changed) };
}

// What benchgate has to know of the window beside the points.
export function summaryOf(data, user) {
  const count = (name) => (data.metrics[name] ? data.metrics[name].values.count : 0);
  return JSON.stringify({
    iterations: count("iterations"),
    requests: count("http_reqs"),
    by_iterations: byIterations(user || {}),
  });
}
