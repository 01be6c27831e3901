const Stomp = require("stompjs/lib/stomp-node.js");
const [port] = process.argv.slice(2).map(Number);
const client = Stomp.overTCP("127.0.0.1", port);
client.debug = () => {};
client.connect("guest", "guest", (connected) => {
  console.log(connected.headers.version);
  client.subscribe("/queue/stompjs", (message) => {
    console.log(message.body, message.headers.colour);
    message.ack({ receipt: "acknowledged" });
  }, { ack: "client", "max-unacknowledged": 1 });
  client.onreceipt = (frame) => {
    console.log(frame.headers["receipt-id"]);
    client.disconnect(() => process.exit(0));
  };
  client.send("/queue/stompjs", { colour: "red" }, "Grüße");
}, (error) => console.log("error", String(error)));
