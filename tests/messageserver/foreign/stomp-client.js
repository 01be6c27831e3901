const Stomp = require("stomp-client");
const [port] = process.argv.slice(2).map(Number);

const speak = (version, next) => {
  const client = new Stomp("127.0.0.1", port, "guest", "guest", version);
  client.on("error", (error) => console.log("error", error.message, error.details));
  client.connect(() => {
    const queue = `/queue/stomp-client-${version}`;
    client.subscribe(queue, { ack: "client", id: "1" }, (body, headers) => {
      console.log(version, body, headers.colour);
      client.ack(headers["message-id"], headers.subscription);
      client.unsubscribe(queue, { id: "1" });
      client.disconnect(next);
    });
    client.publish(queue, "Grüße", { colour: "red" });
  });
};
speak("1.0", () => speak("1.1", () => process.exit(0)));
