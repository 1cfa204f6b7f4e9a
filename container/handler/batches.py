"""Which texts go through the model together, by their lengths in tokens. Pure.

Within a batch all texts are padded to the longest, so a long text beside thirty short ones costs as
much as thirty-one long ones. But each batch is a call, and a call costs something too.
"""

from collections.abc import Sequence

# Bound the memory of one call, whatever the number of texts in a request. Beyond them, nothing is
# gained any more by fewer calls.
MOST_TEXTS = 32
MOST_TOKENS = 4096

# What a call costs, in tokens. Measured on one core: as much as 130 tokens of the tiny models, and
# as 9 of the MiniLM-sized ones, whose every token costs ninety times as much.
CALL_COST = 34


def batches(lengths: Sequence[int]) -> list[list[int]]:
    """The indices of `lengths`, each once, in the batches that cost least in all.

    Texts of like length are together, the longest of a batch last. No batch has more than
    `MOST_TEXTS` texts, nor more than `MOST_TOKENS` tokens with its padding, unless it is one text.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    # least[n] is the least cost of the n shortest texts; the last batch of them begins at start[n].
    least, start = [0], [0]
    for end, longest in enumerate((lengths[index] for index in order), start=1):
        most = max(1, min(MOST_TEXTS, end, MOST_TOKENS // max(1, longest)))
        cost, begin = min(
            (least[begin] + CALL_COST + (end - begin) * longest, begin)
            for begin in range(end - most, end)
        )
        least.append(cost)
        start.append(begin)
    found = []
    end = len(order)
    while end:
        found.append(order[start[end] : end])
        end = start[end]
    return found
