"""A real SMTP server on 127.0.0.1 that keeps the mail it takes."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from world import World


@dataclass
class MailServer:
    """What the server took, how it answers, and which recipients it rejects."""

    messages: list[tuple[str, EmailMessage]] = field(default_factory=list)
    rejected: set[str] = field(default_factory=set)
    answer: str = "250 OK"
    slowness: float = 0  # seconds before it takes a message
    port: int = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        if address in self.rejected:
            return "550 no such \x1b[31muser"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        await asyncio.sleep(self.slowness)
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.messages += [(address, message) for address in envelope.rcpt_tos]
        return self.answer

    def take(self) -> list[tuple[str, str, str]]:
        """Recipient, subject and text of each message since the last time."""
        taken = [(address, str(message["Subject"]), message.get_content()) for address, message in self.messages]
        self.messages.clear()
        return taken


@contextlib.contextmanager
def serving(post: MailServer, **options: Any) -> Iterator[MailServer]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        post.port = free.getsockname()[1]
    controller = Controller(post, hostname="127.0.0.1", port=post.port, **options)
    controller.start()
    try:
        yield post
    finally:
        controller.stop()


def configure(world: World, post: MailServer, *more: str, to: str = "ops@example.org") -> None:
    whom = f"email = {to}" if to else ""
    lines = ["[notification]", whom, "smtp_host = 127.0.0.1", f"smtp_port = {post.port}", *more]
    world.write_config("\n".join(lines) + "\n")


def fail(world: World) -> None:
    """Let the live task fail."""
    world.globus.hold()
    world.run()
    world.globus.fail(world.live[0].id, "ENDPOINT_ERROR")
    world.globus.release()
    world.globus.wait()
