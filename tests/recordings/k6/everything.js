// Two scenarios that share a request, groups, failing checks and requests, custom
// trends of every unit, setup and teardown that talk to the service, dropped
// iterations, and thresholds on things that never happen.
import http from "k6/http";
import { check, group, sleep } from "k6";
import { Trend } from "k6/metrics";

const SERVICE = "http://127.0.0.1:18081";
const queryTime = new Trend("query_time", true);
const rows = new Trend("rows");
new Trend("never_sampled", true);

export const options = {
  scenarios: {
    closed: { executor: "constant-vus", vus: 2, duration: "1200ms", exec: "browse" },
    open: {
      executor: "constant-arrival-rate",
      rate: 100,
      duration: "1200ms",
      preAllocatedVUs: 1,
      exec: "search",
    },
  },
  summaryTrendStats: ["avg", "min", "med", "max", "p(90)", "p(95)", "p(99)"],
  thresholds: {
    http_req_failed: ["rate<0.9"],
    "http_req_duration{name:GET /items/:id}": ["p(95)<0.001", "p(99)<60000"],
    "http_req_duration{name:GET /gone}": ["p(95)<10"],
    never_sampled: ["p(95)<10"],
  },
};

function get(path, name) {
  return http.get(SERVICE + path, { tags: { name: name } });
}

export function setup() {
  get("/prepare", "GET /prepare");
  group("fill", () => get("/fill", "GET /items/:id"));
  sleep(1.1); // long enough for k6 to count its virtual users before the first iteration
}

export function browse() {
  const answer = get(`/items/${__ITER}`, "GET /items/:id");
  check(answer, { "is 200": (r) => r.status === 200, "is 201": (r) => r.status === 201 });
  group("setup", () => get("/health", "GET /health"));
  get("/broken", "GET /broken");
  queryTime.add(1.5 + (__ITER % 3));
  rows.add(10 + (__ITER % 5));
  sleep(0.04);
}

export function search() {
  get("/health", "GET /health");
  get("/search", "GET /search?q=a|<b>");
  sleep(0.02);
}

export function teardown() {
  get("/clean", "GET /clean");
}

export function handleSummary(data) {
  return { "everything.summary.json": JSON.stringify(data, null, 1) };
}
