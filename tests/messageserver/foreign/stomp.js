const { Stomp } = require("stomp");
const [port] = process.argv.slice(2).map(Number);
const destination = "/queue/stomp";
const client = new Stomp({ host: "127.0.0.1", port, login: "guest", passcode: "guest" });
client.on("error", (frame) => console.log("error", frame.body));
client.on("receipt", (receipt) => console.log("receipt", typeof receipt));
client.on("message", (frame) => {
  console.log("message", String(frame.body));
  client.ack(frame.headers["message-id"]);
  client.unsubscribe({ destination });
  client.disconnect();
});
client.on("connected", () => {
  client.subscribe({ destination, ack: "client" });
  const transaction = client.begin();
  client.send({ destination, body: "one", persistent: "true", transaction }, true);
  client.commit(transaction);
});
client.connect();
