const { client: connect } = require("webstomp-client");
const [port] = process.argv.slice(2).map(Number);
const client = connect(`ws://127.0.0.1:${port}`, { debug: false, heartbeat: false });
client.connect("guest", "guest", () => {
  let seen = 0;
  client.subscribe("/queue/webstomp", (message) => {
    console.log(message.body, message.headers.redelivered || "first");
    seen += 1;
    if (seen === 1) message.nack();
    else message.ack({ receipt: "acknowledged" });
  }, { ack: "client-individual" });
  client.onreceipt = (frame) => {
    console.log(frame.headers["receipt-id"]);
    client.disconnect(() => process.exit(0));
  };
  const together = client.begin();
  client.send("/queue/webstomp", "Grüße", { transaction: together.id });
  together.commit();
}, (error) => console.log("error", error.body || String(error)));
