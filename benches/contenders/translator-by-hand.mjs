/**
 * The translator that one would write by hand for text alone, against which the ratios are: a decoder, `indexOf`, one `JSON.parse`
 * an event, and one `JSON.stringify` of what goes into a chunk whose head is known. No errors, no usage, no end of line but one.
 */

const head = (id, model) => `data: {"id":${JSON.stringify(id)},"object":"chat.completion.chunk","created":1763800000,"model":${JSON.stringify(model)},"choices":[{"index":0,"delta":`;
const END = ',"finish_reason":null}]}\n\n';
const finish = (start) => `${start}{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;

const READERS = {
  anthropic() {
    let start = "";
    return (event) => {
      switch (event.type) {
        case "message_start":
          start = head(event.message.id, event.message.model);
          return `${start}{"role":"assistant","content":""}${END}`;
        case "content_block_delta":
          return `${start}{"content":${JSON.stringify(event.delta.text)}}${END}`;
        case "message_stop":
          return finish(start);
        default:
          return "";
      }
    };
  },
  gemini() {
    let start = "";
    return ({ candidates: [{ content, finishReason }], responseId, modelVersion }) => {
      start ||= head(responseId, modelVersion);
      const chunk = `${start}{"content":${JSON.stringify(content.parts[0].text)}}${END}`;
      return finishReason ? chunk + finish(start) : chunk;
    };
  },
};

export default {
  name: "by hand",
  setup(dialect) {
    const separator = dialect === "gemini" ? "\r\n\r\n" : "\n\n";
    return (bytes) => {
      const reader = bytes.getReader();
      const decoder = new TextDecoder();
      const encoder = new TextEncoder();
      const read = READERS[dialect]();
      let buffer = "";
      // A function of its own, so that the engine compiles it as a whole.
      const feed = (value) => {
        buffer += decoder.decode(value, { stream: true });
        let [from, out] = [0, ""];
        for (let end; (end = buffer.indexOf(separator, from)) !== -1; from = end + separator.length) {
          out += read(JSON.parse(buffer.slice(buffer.indexOf("data: ", from) + 6, end)));
        }
        buffer = buffer.slice(from);
        return out;
      };
      return new ReadableStream({
        async pull(controller) {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) return controller.close();
            const out = feed(value);
            if (out) return controller.enqueue(encoder.encode(out));
          }
        },
      });
    };
  },
};
