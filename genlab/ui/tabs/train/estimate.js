// Under the form of the Train tab: what its run would take, asked for when the form has come to rest.

import { latest, wait } from "../../kit/parts.js";
import { fieldsOf, tellRefusal } from "../../kit/refusals.js";
import { listen } from "../../kit/topics.js";
import { say } from "../../kit/words.js";

const REST = 1200; // ms without a change

export function start({ element, find, server }) {
  const line = find(".estimate");
  const measure = latest(server.estimated);
  let asked = "";
  let timer = 0;

  listen("train form", (values) => {
    const wish = JSON.stringify(values);
    if (wish === asked) return;
    asked = wish;
    clearTimeout(timer);
    timer = setTimeout(ask, REST, values);
  });

  async function ask([family, dataset, ...values]) {
    if (!element.offsetParent) return void (asked = ""); // nobody sees it
    line.hidden = false; // as it is once the fields that it was about were changed
    line.classList.remove("fault");
    wait(line, say("train.estimating"));
    const answer = await measure({ family, dataset, values });
    if (!answer) return;
    const fields = fieldsOf(answer.about, `train-${family}`, "train");
    tellRefusal(line, answer.error, fields);
    if (fields.length) return;
    line.hidden = false;
    line.classList.remove("fault"); // nothing that was entered is wrong
    line.textContent = answer.error || answer.sentence;
  }
}
