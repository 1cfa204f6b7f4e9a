"""What goes together, what goes alone, and what becomes of each when something fails."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.batch_frame import ALONE, Invocation, Reply
from container.front.batching import Batcher, Closed, Expired, Limits, QueueFull, Send

LIMITS = Limits(batch_size=8, batch_bytes=10_000, queue_size=100, lanes=1, timeout_seconds=30)


def invocation(number: int, size: int = 1) -> Invocation:
    """One whose body can be told from the others'."""
    return Invocation({}, str(number).encode().ljust(size))


class Model:
    """Answers each body with itself, when it is let; `sent` are the bodies of each call."""

    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []
        self.may_answer = asyncio.Event()
        # To be replaced.
        self.answer: Send = echo

    async def send(self, invocations: Sequence[Invocation]) -> list[Reply] | None:
        """As multi-model-server."""
        self.sent.append([one.body for one in invocations])
        await self.may_answer.wait()
        return await self.answer(invocations)


async def echo(invocations: Sequence[Invocation]) -> list[Reply] | None:
    """Each body back to whoever sent it."""
    return [Reply(200, {}, one.body) for one in invocations]


def run(story: Callable[[Model], Awaitable[None]]) -> None:
    """In a loop of its own, which nothing is left in."""

    async def whole() -> None:
        await story(Model())
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left

    asyncio.run(whole())


async def settle() -> None:
    """Until whatever can run has run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def submitted(batcher: Batcher, numbers: Sequence[int]) -> list["asyncio.Task[Reply]"]:
    """Callers that wait for their answers."""
    tasks = [asyncio.create_task(batcher.submit(invocation(number))) for number in numbers]
    await settle()
    return tasks


def test_one_alone_goes_at_once() -> None:
    """Each of a caller who waits for every answer: nothing is gathered, and nothing waits."""

    async def story(model: Model) -> None:
        model.may_answer.set()
        batcher = Batcher(model.send, LIMITS)
        for number in range(3):
            assert (await batcher.submit(invocation(number))).body == str(number).encode()
        assert model.sent == [[b"0"], [b"1"], [b"2"]]
        assert batcher.idle

    run(story)


def test_what_comes_meanwhile_goes_together() -> None:
    """In the order of arrival; more than a batch holds go in the next."""

    async def story(model: Model) -> None:
        batcher = Batcher(model.send, LIMITS)
        tasks = await submitted(batcher, range(12))
        assert model.sent == [[b"0"]]
        assert batcher.waiting == 11
        model.may_answer.set()
        replies = await asyncio.gather(*tasks)
        assert [reply.body for reply in replies] == [str(number).encode() for number in range(12)]
        assert [len(bodies) for bodies in model.sent] == [1, 8, 3]

    run(story)


def test_a_batch_has_no_more_bytes_than_may_be() -> None:
    """And one that is larger by itself goes by itself."""

    async def story(model: Model) -> None:
        batcher = Batcher(model.send, replace(LIMITS, batch_bytes=100))
        sizes = [1, 40, 40, 90, 300, 10]
        tasks = [
            asyncio.create_task(batcher.submit(invocation(number, size)))
            for number, size in enumerate(sizes)
        ]
        await settle()
        model.may_answer.set()
        await asyncio.gather(*tasks)
        assert [len(bodies) for bodies in model.sent] == [1, 2, 1, 1, 1]

    run(story)


def test_one_that_must_go_alone_does() -> None:
    """Before and after others; they keep their order."""

    async def story(model: Model) -> None:
        batcher = Batcher(model.send, LIMITS)
        tasks = [
            asyncio.create_task(batcher.submit(invocation(number), alone=number == 3))
            for number in range(6)
        ]
        await settle()
        model.may_answer.set()
        await asyncio.gather(*tasks)
        assert model.sent == [[b"0"], [b"1", b"2"], [b"3"], [b"4", b"5"]]

    run(story)


def test_a_worker_more_is_a_batch_more() -> None:
    """As many as there are workers are on their way at the same time."""

    async def story(model: Model) -> None:
        batcher = Batcher(model.send, replace(LIMITS, lanes=2))
        tasks = await submitted(batcher, range(4))
        assert model.sent == [[b"0"], [b"1"]]
        model.may_answer.set()
        await asyncio.gather(*tasks)

    run(story)


def test_after_a_batch_the_same_callers_go_together_again() -> None:
    """Not the first of them alone, and the others behind it."""

    async def story(model: Model) -> None:
        batcher = Batcher(model.send, LIMITS)
        held = await submitted(batcher, [0])

        async def caller(number: int) -> None:
            for _ in range(3):
                await batcher.submit(invocation(number))

        callers = [asyncio.create_task(caller(number)) for number in range(1, 6)]
        await settle()
        model.may_answer.set()
        await asyncio.gather(*held, *callers)
        assert [len(bodies) for bodies in model.sent] == [1, 5, 5, 5]

    run(story)


def test_a_batch_that_failed_is_asked_for_one_by_one() -> None:
    """Nobody fails for a neighbour."""

    async def story(model: Model) -> None:
        async def answer(invocations: Sequence[Invocation]) -> list[Reply] | None:
            if any(one.body == b"2" for one in invocations):
                return [Reply(507, {}, b"")] if len(invocations) == 1 else None
            return [Reply(200, {}, one.body) for one in invocations]

        model.answer = answer
        batcher = Batcher(model.send, LIMITS)
        tasks = await submitted(batcher, range(4))
        model.may_answer.set()
        replies = await asyncio.gather(*tasks)
        assert [reply.status for reply in replies] == [200, 200, 507, 200]
        assert model.sent == [[b"0"], [b"1", b"2", b"3"], [b"1"], [b"2"], [b"3"]]

    run(story)


def test_one_whose_answer_did_not_fit_is_asked_for_alone() -> None:
    """The others of its batch have theirs."""

    async def story(model: Model) -> None:
        async def answer(invocations: Sequence[Invocation]) -> list[Reply] | None:
            return [
                ALONE if one.body == b"2" and len(invocations) > 1 else Reply(200, {}, one.body)
                for one in invocations
            ]

        model.answer = answer
        batcher = Batcher(model.send, LIMITS)
        tasks = await submitted(batcher, range(4))
        model.may_answer.set()
        assert [reply.body for reply in await asyncio.gather(*tasks)] == [b"0", b"1", b"2", b"3"]
        assert model.sent == [[b"0"], [b"1", b"2", b"3"], [b"2"]]

    run(story)


def test_an_error_reaches_every_caller_of_the_batch() -> None:
    """And the next ones are sent all the same."""

    async def story(model: Model) -> None:
        async def answer(_: Sequence[Invocation]) -> list[Reply] | None:
            raise ConnectionError("gone")

        model.answer = answer
        batcher = Batcher(model.send, LIMITS)
        tasks = await submitted(batcher, range(3))
        model.may_answer.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [ConnectionError] * 3

    run(story)


def test_a_full_queue_refuses_with_a_time() -> None:
    """What waits already still gets its answer."""

    async def story(model: Model) -> None:
        batcher = Batcher(model.send, replace(LIMITS, queue_size=2))
        tasks = await submitted(batcher, range(3))
        with pytest.raises(QueueFull, match="2 invocations wait") as refused:
            await batcher.submit(invocation(3))
        assert refused.value.retry_after >= 1
        model.may_answer.set()
        assert [reply.status for reply in await asyncio.gather(*tasks)] == [200] * 3

    run(story)


def test_one_that_waits_too_long_is_told() -> None:
    """It is not sent any more."""

    async def story(model: Model) -> None:
        batcher = Batcher(model.send, replace(LIMITS, timeout_seconds=0.05))
        batcher.hold()
        with pytest.raises(Expired, match=r"waited for 0\.05 s"):
            await batcher.submit(invocation(1))
        model.may_answer.set()
        batcher.release()
        assert model.sent == []

    run(story)


def test_what_takes_long_goes_in_small_batches() -> None:
    """A handler may answer one after the other: all of a batch share the time of one request."""

    async def story(model: Model) -> None:
        async def answer(invocations: Sequence[Invocation]) -> list[Reply] | None:
            await asyncio.sleep(0.1 * len(invocations))
            return [Reply(200, {}, one.body) for one in invocations]

        model.answer = answer
        model.may_answer.set()
        batcher = Batcher(model.send, replace(LIMITS, timeout_seconds=1.2))
        tasks = await submitted(batcher, range(7))
        assert [reply.status for reply in await asyncio.gather(*tasks)] == [200] * 7
        assert max(len(bodies) for bodies in model.sent) < 4

    run(story)


def test_the_time_of_one_that_is_asked_again_is_that_of_its_arrival() -> None:
    """After a batch that failed too late, nobody is kept waiting for another turn."""

    async def story(model: Model) -> None:
        async def answer(invocations: Sequence[Invocation]) -> list[Reply] | None:
            await asyncio.sleep(0.2 if len(invocations) > 1 else 0)
            return None if len(invocations) > 1 else [Reply(200, {}, b"")]

        model.answer = answer
        batcher = Batcher(model.send, replace(LIMITS, timeout_seconds=0.15))
        first = await submitted(batcher, [0])
        tasks = await submitted(batcher, range(1, 4))
        model.may_answer.set()
        results = await asyncio.gather(*first, *tasks, return_exceptions=True)
        assert [type(result) for result in results] == [Reply, Expired, Expired, Expired]

    run(story)


def test_while_held_nothing_is_sent() -> None:
    """What waited goes when it is released."""

    async def story(model: Model) -> None:
        model.may_answer.set()
        batcher = Batcher(model.send, LIMITS)
        batcher.hold()
        tasks = await submitted(batcher, range(3))
        assert model.sent == []
        batcher.release()
        await asyncio.gather(*tasks)
        assert model.sent == [[b"0", b"1", b"2"]]

    run(story)


def test_closing_refuses_all_that_has_no_answer() -> None:
    """What waits, and what is on its way and will never be answered."""

    async def story(model: Model) -> None:
        batcher = Batcher(model.send, LIMITS)
        tasks = await submitted(batcher, range(3))
        batcher.close("It is gone.")
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in results] == [Closed] * 3
        await settle()
        assert batcher.idle

    run(story)


def test_a_caller_that_goes_away_harms_nobody() -> None:
    """Whether it was waiting or on its way."""

    async def story(model: Model) -> None:
        batcher = Batcher(model.send, LIMITS)
        tasks = await submitted(batcher, range(4))
        tasks[0].cancel()
        tasks[2].cancel()
        await settle()
        model.may_answer.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [getattr(result, "body", None) for result in results] == [None, b"1", None, b"3"]

    run(story)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=30),
    st.integers(1, 5),
    st.integers(1, 3),
    st.sets(st.integers(0, 29)),
)
def test_each_has_its_own_answer_once(
    wanted: list[tuple[int, bool]], batch_size: int, lanes: int, poison: set[int]
) -> None:
    """Whatever their sizes, however they are gathered, and whoever fails."""

    async def story(model: Model) -> None:
        async def answer(invocations: Sequence[Invocation]) -> list[Reply] | None:
            await asyncio.sleep(0)
            bad = [int(one.body) in poison for one in invocations]
            if len(invocations) > 1 and any(bad):
                return None
            return [
                Reply(507 if is_bad else 200, {}, one.body)
                for one, is_bad in zip(invocations, bad, strict=True)
            ]

        model.answer = answer
        model.may_answer.set()
        limits = replace(LIMITS, batch_size=batch_size, batch_bytes=80, lanes=lanes)
        batcher = Batcher(model.send, limits)
        replies = await asyncio.gather(
            *(
                batcher.submit(invocation(number, size), alone=alone)
                for number, (size, alone) in enumerate(wanted)
            )
        )
        assert [int(reply.body) for reply in replies] == list(range(len(wanted)))
        for number, reply in enumerate(replies):
            assert reply.status == (507 if number in poison else 200)
        assert all(len(bodies) <= batch_size for bodies in model.sent)

    run(story)
