// Every iteration throws before its request; k6 still exits with 0.
export const options = { vus: 1, iterations: 3 };

export default function () {
  throw new Error("no such page");
}
