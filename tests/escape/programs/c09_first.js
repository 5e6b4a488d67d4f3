// SPDX-License-Identifier: Apache-2.0
// C09, Node: what the job's own process had loaded before its first line.
"use strict";
const fs = require("fs");
const status = fs.readFileSync("/proc/self/status", "utf8");
const field = (name) => new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)[1];
const early = fs.existsSync("early.log");
const posture = `${field("Seccomp")} ${field("NoNewPrivs")}`;
console.log("attempt", "hook", early ? "done ran" : "blocked never_ran");
console.log("attempt", "first_line",
            posture === "2 1" ? "blocked filtered" : `done ${posture}`);
