const stompit = require("stompit");
const [port, nobody] = process.argv.slice(2).map(Number);
const say = (...words) => console.log(...words);
const server = (at) => ({
  host: "127.0.0.1",
  port: at,
  connectHeaders: { host: "/", login: "guest", passcode: "guest", "heart-beat": "5000,5000" },
});
const queue = { destination: "/queue/stompit", ack: "client-individual" };

// What is refused comes again; what a transaction holds comes with COMMIT, also for one who waits for the receipt first.
stompit.connect(server(port), (failed, client) => {
  if (failed) throw failed;
  client.on("error", (error) => say("error", error.message));
  let seen = 0;
  client.subscribe(queue, (_, message) => {
    message.readString("utf8", (_, body) => {
      say(body, message.headers.redelivered || "first");
      seen += 1;
      if (seen === 1) client.nack(message);
      else client.ack(message, {}, { onReceipt: () => (seen === 2 ? together(client) : client.disconnect(failover)) });
    });
  });
  client.sendString({ destination: queue.destination }, "one", { onReceipt: () => say("stored") }, () => {});
});

function together(client) {
  const transaction = client.begin();
  const frame = transaction.send({ destination: queue.destination }, { onReceipt: () => transaction.commit() });
  frame.end("two");
}

// The first address refuses, as that of a backup does.
function failover() {
  const pool = new stompit.ChannelPool(new stompit.ConnectFailover([server(nobody), server(port)], { maxReconnects: 3 }));
  pool.channel((_, channel) => {
    channel.subscribe(queue, (_, message) => {
      message.readString("utf8", (_, body) => {
        say(body);
        channel.ack(message);
        channel.close();
        pool.close();
      });
    });
    channel.send({ destination: queue.destination }, "three", (error) => say(error ? error.message : "sent"));
  });
}
