// The objects of a JSON file, each held to the schema of its kind in the CRDs of the Prometheus operator.

import { readFileSync } from "node:fs";
import * as kinds from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";

for (const found of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  try {
    new kinds[found.kind](found).validate();
  } catch (error) {
    console.log(`${found.kind} ${found.metadata.name}: ${error.message}`);
    process.exitCode = 1;
  }
}
