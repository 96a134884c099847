// Topics: what the cards tell one another, and the last value of each, which late listeners hear.

/** Every topic, and what is told. */
export const TOPICS = {
  dataset: "the name in the header", model: "the name in the header", tab: "the one that is looked at", visit: "the address that one goes back or forth to",
  writer: "the model of texts that the Latent space tab looks into",
  status: "what the line at the foot knows", frame: "milliseconds of a picture",
  "opened data": "the dataset that can be asked about", fetched: "a dataset that has come", image: "the row to show large", lasso: "the rows within, of a dataset",
  text: "the document that is read", "let go": "the lasso is to", label: "classes to be kept", looked: "the dataset that was looked into", exported: "a zip is ready",
  collection: "pictures by class", "see collection": "it is to be shown",
  "train form": "what it says", "start answered": "a run was asked for", lab: "all about the runs", run: "the one on stage", "select run": "to be on stage",
  "overlay run": "to be laid over it", "look again": "something has changed",
  "sample form": "of which model it is", "sample turn": "which drawing was asked for", "chosen-seed": "of the image shown large",
};

const last = {}, listeners = {};

/** Tell all who listen to `topic`; late listeners hear the last value. */
export function tell(topic, value) {
  last[topic] = value;
  for (const hear of listeners[topic] || []) hear(value);
}

export function listen(topic, hear) {
  (listeners[topic] ||= []).push(hear);
  if (topic in last) hear(last[topic]);
}

/** The last value told of a topic. */
export const recall = (topic) => last[topic];

/** Whether anything was told of a topic. */
export const isTold = (topic) => topic in last;
