// Starts a job and shows its progress; a reload finds the job again.

import { watchJob } from "./clients.js";
import { panel } from "./panel.js";

const KEPT = "job"; // the name under which the session remembers the running job

export function jobPanel() {
  const { find, say } = panel("job");

  let known = false; // whether the server has reported on the job

  function show({ percent, done, total, stage }) {
    known = true;
    find("progress").value = percent;
    find(".percent").textContent = percent;
    find(".name").textContent = stage;
    find(".count").textContent = `${done} of ${total} photos`;
  }

  function onEnd(reason) {
    find(".run").disabled = false;
    // A page that is being reloaded loses its connection too: only a job that the server never knew is forgotten.
    if (reason === "done" || !known) sessionStorage.removeItem(KEPT);
    if (reason === "done") {
      find(".name").textContent = "All photos are ready";
      say("done", "finished");
    } else {
      say("failed", known ? "connection lost" : "the server does not know this job");
    }
  }

  function watch(id) {
    known = false;
    find(".run").disabled = true;
    say("live", `job ${id}`);
    watchJob(id, show, onEnd);
  }

  find(".run").addEventListener("click", async () => {
    try {
      const response = await fetch("/job", { method: "POST" });
      if (!response.ok) throw new Error(await response.text());
      const { id } = await response.json();
      sessionStorage.setItem(KEPT, id);
      watch(id);
    } catch (error) {
      say("failed", error.message);
    }
  });

  const running = sessionStorage.getItem(KEPT);
  if (running) watch(running);
}
