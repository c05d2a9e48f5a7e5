import { Lesson } from "./lesson.js";

/** Give a lesson in a worker, or where the viewer forbids those, in the page. What is returned tells it something. */
export async function classroom(text, tell) {
  try {
    const start = "onmessage = ({ data }) => lesson.hear(data);\npostMessage({ kind: 'ready' });";
    const script = `${text}\nconst lesson = new Lesson((message) => postMessage(message), 40);\n${start}`;
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    await new Promise((ready, failed) => {
      Object.assign(worker, { onmessage: ready, onerror: failed });
      setTimeout(failed, 4000);
    });
    worker.onmessage = ({ data }) => tell(data);
    return (message) => worker.postMessage(message);
  } catch {
    const lesson = new Lesson(tell, 12);
    return (message) => lesson.hear(message);
  }
}
