"""The endpoint by itself, without an application around it. It prints each message and keeps nothing.

Run it from the folder above, and send it a message from another terminal:

    gunicorn --chdir examples alone:application

    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret

Beside submit there are smil, deliver, delivery-report and cancel.
"""

from __future__ import annotations

from mm7_wsgi import Address, CancelReq, DeliverReq, DeliveryReportReq, MM7Endpoint, MM7Handler, MM7Request, SubmitReq


class Printer(MM7Handler):
    """Accepts what it prints. An operation without a method here is refused: 4003, Unsupported operation."""

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """A VASP sends a message to subscribers."""
        sender, to = message.sender_identification, message.recipients
        names = (sender.vasp_id, sender.vas_id, sender.sender_address)
        show(request, sender=names, to=to.to, cc=to.cc, bcc=to.bcc, subject=message.subject)

    def cancel(self, request: MM7Request, message: CancelReq) -> None:
        """A VASP takes back what it submitted."""
        show(request, message=message.message_id)

    def deliver(self, request: MM7Request, message: DeliverReq) -> None:
        """An MMSC brings what a subscriber has sent."""
        show(request, sender=message.sender, to=message.recipients.to, subject=message.subject)

    def delivery_report(self, request: MM7Request, message: DeliveryReportReq) -> None:
        """An MMSC says what has become of a message."""
        show(request, message=message.message_id, to=message.recipient, status=message.mm_status)


def show(request: MM7Request, **facts: object) -> None:
    """Print the facts that are there, and the parts of the content."""
    print(f"{type(request.message).__name__} of account {request.account.name}, transaction {request.transaction_id}")
    for name, fact in facts.items():
        if fact:
            print(f"  {name:18}{text(fact)}")
    for part in request.leaves():
        print(f"  {part.content_type:18}{len(part.data)} octets")
    print(flush=True)


def text(fact: object) -> str:
    """A value of a message in words."""
    if isinstance(fact, Address):
        return f"{fact.value} (for display only)" if fact.display_only else fact.value
    return ", ".join(text(each) for each in fact if each) if isinstance(fact, tuple) else str(fact)


application = MM7Endpoint(Printer(), accounts={"acme": "s3cret"})
