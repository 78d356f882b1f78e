// Load on the shop: every iteration makes one request, so the arrival rate is the request rate.
// Inputs depend on the number of the iteration only: every run asks for the same things.

import { check } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Trend } from 'k6/metrics';

const BASE = `http://127.0.0.1:${__ENV.PORT || 8080}`;
const PRODUCTS = 16000;
const READERS = 400; // users 1..400 read their orders
const BUYERS = 100; // users 401..500 buy, so the orders that are read stay as they are

export const options = {
  scenarios: {
    shop: {
      executor: 'constant-arrival-rate',
      rate: 100,
      timeUnit: '1s',
      duration: __ENV.DURATION || '30s',
      preAllocatedVUs: 20,
      maxVUs: 100,
    },
  },
  summaryTrendStats: ['avg', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'],
  // Roomy: they catch a broken service; a slower one is told by comparing runs.
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count<30'],
    'http_req_duration{name:GET /products/:id}': ['p(95)<250'],
    'http_req_duration{name:GET /search}': ['p(95)<250'],
    'http_req_duration{name:GET /users/:id/orders}': ['p(95)<250'],
    'http_req_duration{name:POST /checkout}': ['p(95)<500'],
    'http_req_duration{name:GET /feed}': ['p(95)<250'],
  },
};

// From the click to the receipt, connecting included.
const checkoutTotal = new Trend('checkout_total', true);

const QUERIES = ['home light', 'sturdy modern', 'light simple', 'home quiet', 'modern warm'];

// One entry per request, mixed evenly; the page after a purchase often shows the feed.
const MIX = [
  search, product, orders, checkout, feed,
  search, product, orders, search, product,
  checkout, feed, search, orders, product,
  search, product, checkout, orders, search,
];

export function setup() {
  const response = http.get(`${BASE}/health`, { tags: { name: 'GET /health' } });
  if (response.status !== 200) {
    exec.test.abort(`the shop is not ready: ${response.status} ${response.error}`);
  }
}

export default function () {
  const iteration = exec.scenario.iterationInTest;
  MIX[iteration % MIX.length](iteration);
}

// A number in 1..count that jumps about instead of walking from row to row.
function spread(iteration, count) {
  return 1 + ((iteration * 7919) % count);
}

function get(name, path, expected) {
  const response = http.get(`${BASE}${path}`, { tags: { name } });
  check(response, {
    [`${name}: status is 200`]: (r) => r.status === 200,
    [`${name}: body is right`]: (r) => r.status === 200 && expected(r.json()),
  });
}

function product(iteration) {
  const id = spread(iteration, PRODUCTS);
  get('GET /products/:id', `/products/${id}`, (body) => body.id === id);
}

function search(iteration) {
  const query = QUERIES[Math.floor(iteration / MIX.length) % QUERIES.length];
  get(
    'GET /search',
    `/search?q=${encodeURIComponent(query)}`,
    (body) => body.products.length === 20 && body.total > 20,
  );
}

function orders(iteration) {
  const id = spread(iteration, READERS);
  get('GET /users/:id/orders', `/users/${id}/orders`, (body) => body.orders.length === 10);
}

function feed() {
  get('GET /feed', '/feed', (body) => body.items.length === 50);
}

function checkout(iteration) {
  const name = 'POST /checkout';
  const lines = [1, 2, 3].map((line) => ({
    product_id: spread(iteration + line * 1000, PRODUCTS),
    quantity: 1 + ((iteration + line) % 12),
  }));
  const order = { user_id: READERS + spread(iteration, BUYERS), lines };
  const response = http.post(`${BASE}/checkout`, JSON.stringify(order), {
    headers: { 'Content-Type': 'application/json' },
    tags: { name },
  });
  const { blocked, connecting, duration } = response.timings;
  checkoutTotal.add(blocked + connecting + duration);
  check(response, {
    [`${name}: status is 201`]: (r) => r.status === 201,
    [`${name}: receipt has a code`]: (r) => r.status === 201 && r.json().code.length === 8,
  });
}
