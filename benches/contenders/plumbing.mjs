/** What the runtime's streams cost by themselves: every read is taken, none is looked at. */
export default {
  name: "plumbing alone",
  gives: "bytes",
  setup: ({ fetch, baseURL }) => ({
    async stream() {
      const reader = (await fetch(`${baseURL}/chat/completions`)).body.getReader();
      let count = 0;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return { text: "", count };
        count += value.length;
      }
    },
  }),
};
