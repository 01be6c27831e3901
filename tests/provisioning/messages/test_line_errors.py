"""What a Message Server gives as its reason, however long or odd it is, is a sentence on a page."""

import asyncio

import pytest

from provisioning.messages.facts import NotRead
from provisioning.messages.selectors.line import REASON_LONGEST, Line


class Writer:
    def write(self, data: bytes) -> None:
        """Whatever is asked, the answer is there already."""

    def is_closing(self) -> bool:
        return False


async def answered(frame: bytes) -> str:
    reader = asyncio.StreamReader(limit=1024 * 1024)
    reader.feed_data(frame)
    with pytest.raises(NotRead) as trouble:
        await Line("MS_Primary", 0, reader, Writer()).ask("connections")
    return str(trouble.value)


@pytest.mark.parametrize(("frame", "said"), [
    (b"ERROR\nmessage:No such question\n\n\0", "No such question."),
    ("ERROR\nmessage:inv\u202eoice\n\n\0".encode(), "inv[U+202E]oice."),
    (b"ERROR\n\n\0", "The server refused it without a reason.")])
async def test_a_reason_is_a_sentence_that_hides_nothing(frame, said):
    assert await answered(frame) == said


async def test_a_reason_is_as_long_as_a_page_can_show():
    assert len(await answered(b"ERROR\nmessage:" + b"x" * 500_000 + b"\n\n\0")) <= REASON_LONGEST + 1
