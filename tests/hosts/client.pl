# Submits a picture with SOAP::Lite and MIME-tools, and prints what it makes of the answer: lines of NAME=VALUE.
#
#     perl client.pl URL TRANSACTION PICTURE RECIPIENT...
#
# It is written as those write it who have SOAP::Lite and not MM7 in mind. What that does beside the rules is left as it is.

use strict;
use warnings;

use MIME::Entity;
use SOAP::Lite;

binmode(STDOUT, ":encoding(UTF-8)");

my ($url, $transaction, $picture, @recipients) = @ARGV;
my $schema = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";

my $image = MIME::Entity->build(
    Type     => "image/png",
    Encoding => "base64",
    Path     => $picture,
    Filename => "picture.png",
    Id       => "<picture>",
);

my $soap = SOAP::Lite->proxy($url)->uri($schema)->default_ns($schema)->on_action(sub { '""' })->parts([$image]);
# Faults are looked at below, not died of; with another HTTP status than 200 they come all the same.
$soap->on_fault(sub { my ($self, $answer) = @_; return ref $answer ? $answer : SOAP::SOM->new });

my $answer = $soap->call(
    "SubmitReq",
    SOAP::Header->name("TransactionID")->value($transaction)->mustUnderstand(1)->uri($schema),
    SOAP::Data->name("MM7Version")->value("6.8.0")->type(""),
    SOAP::Data->name("SenderIdentification")->value(\SOAP::Data->name("VASPID")->value("perl")->type("")),
    SOAP::Data->name("Recipients")->value(
        \SOAP::Data->name("To")->value(\SOAP::Data->value(map { SOAP::Data->name("Number")->value($_)->type("") } @recipients)),
    ),
    SOAP::Data->name("Subject")->value("A picture")->type(""),
    SOAP::Data->name("Content")->attr({ href => "cid:picture" })->value(""),
);

print "http=", $soap->transport->proxy->code, "\n";
if ($answer->fault) {
    print "faultcode=", $answer->faultcode, "\n";
    print "faultstring=", $answer->faultstring, "\n";
}
for my $name (qw(MessageID StatusCode StatusText Details)) {
    my $found = $answer->valueof("//$name");
    print "$name=$found\n" if defined $found;
}
my $header = $answer->headerof("//TransactionID");
print "TransactionID=", $header->value, "\n" if $header;
