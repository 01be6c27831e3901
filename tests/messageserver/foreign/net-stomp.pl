use strict;
use warnings;
use Net::Stomp;

# For each version: a message with a receipt, one in a transaction whose receipt is waited for, both acknowledged.
my ($port) = @ARGV;
for my $version ('1.0', '1.1', '1.2') {
    my $stomp = Net::Stomp->new({hostname => '127.0.0.1', port => $port});
    my %versions = $version eq '1.0' ? () : ('accept-version' => $version, host => '/');
    my $connected = $stomp->connect({login => 'guest', passcode => 'guest', %versions});
    my $queue = "/queue/net-stomp-$version";
    print join(' ', $connected->command, $connected->headers->{version}), "\n";
    print $stomp->send_with_receipt({destination => $queue, body => 'one', timeout => 10}),
        $stomp->send_transactional({destination => $queue, body => 'two', timeout => 10}), "\n";
    $stomp->subscribe({destination => $queue, id => '1', ack => 'client'});
    for (1 .. 2) {
        my $frame = $stomp->receive_frame({timeout => 10});
        print $frame->body, "\n";
        $stomp->ack({frame => $frame, subscription => '1'});
    }
    $stomp->unsubscribe({destination => $queue, id => '1'});
    $stomp->disconnect;
}
