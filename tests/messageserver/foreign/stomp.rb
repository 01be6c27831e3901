require "stomp"

# For each version: what is refused comes again, a transaction that is aborted leaves nothing, what is kept in a header is kept.
port = Integer(ARGV[0])
%w[1.0 1.1 1.2].each do |version|
  named = version == "1.0" ? {} : { "accept-version" => version, "host" => "/" }
  connection = Stomp::Connection.new(:hosts => [{ :login => "guest", :passcode => "guest", :host => "127.0.0.1",
                                                  :port => port }], :reliable => false, :connect_headers => named)
  puts "#{connection.protocol} #{connection.connection_frame.command}"
  queue = "/queue/ruby-stomp-#{version}"
  connection.subscribe(queue, { :ack => "client", :id => "1" }, "1")
  connection.begin("lost")
  connection.publish(queue, "none", { :transaction => "lost" })
  connection.abort("lost")
  connection.publish(queue, "one", { "colour" => version == "1.0" ? "red" : "r:\\1" })
  message = connection.receive
  puts "#{message.body} #{message.headers['colour']}"
  acknowledged = version == "1.2" ? message.headers["ack"] : message.headers["message-id"]
  if version != "1.0"
    connection.nack(acknowledged, { :subscription => "1" })
    message = connection.receive
    puts "#{message.body} #{message.headers['redelivered']}"
    acknowledged = version == "1.2" ? message.headers["ack"] : message.headers["message-id"]
  end
  connection.ack(acknowledged, { :subscription => "1" })
  connection.unsubscribe(queue, { :id => "1" }, "1")
  connection.disconnect({ :receipt => "bye" })
  puts connection.disconnect_receipt.headers["receipt-id"]
end
client = Stomp::Client.new("guest", "guest", "127.0.0.1", port)
client.publish("/queue/ruby-client", "receipt wanted") { |receipt| puts receipt.command }
client.subscribe("/queue/ruby-client") { |message| puts message.body; Thread.main.wakeup }
sleep 20
client.close
