"""`rnn-tf bench tags`: training taggers, against the usual Keras recipe and PyTorch with packed sequences.

Equal in all rows: vectors of 100 numbers for the same vocabulary, two LSTM layers of 100 units that read both ways, a
score for each tag, no dropout; 32 sentences a step, Adam with the same rate and epsilon; the loss is the mean over the
tokens of a batch, and the accuracy is counted. Vectors are trained, with dense gradients. Sentences and tags are ids
before the clock starts. All but the last two rows of `TextTagger` are one network: they hold the same weights at first,
and give the same probabilities, which is checked. Threads are as many as each library takes by itself.

What is not equal is what a row is about. The recipe pads every sentence to the longest of all, and masks. PyTorch packs
random batches, so that layers, loss and accuracy see no padding; of its two biases one is trained, as elsewhere.
`TextTagger` draws batches of similar length. The recipe and PyTorch with batches of similar length say how much of
the gain lies in them. The CRF adds the scores of neighbours; spelling adds a GRU of 25 units that reads the characters
of each word both ways.

A row is timed for one pass over the sentences, and given in real tokens a second: padding is work, but does not count.
Each is compiled before the clock starts; then they take turns, and the ratios are medians of those within a turn.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.bench.corpus import spoken_requests
from rnn_tf.bench.recipe import in_pytorch, recipe
from rnn_tf.bench.timing import in_turns, installed, machine
from rnn_tf.data import Tagged, read_tagged
from rnn_tf.models import TextTagger
from rnn_tf.training.batches import Ragged

EMBEDDING_SIZE, UNITS, BATCH_SIZE = 100, [100, 100], 32
RATE, EPSILON = 0.004, 1e-7
KERAS, PYTORCH, SIMILAR = "keras recipe", "PyTorch, packed", ", batches of similar length"
OURS, CRF, SPELLING = "TextTagger, softmax", "TextTagger, CRF", "TextTagger, CRF and spelling"


class Run(NamedTuple):
    """One way to train: a pass over the sentences; and the probabilities `[rows, tokens, tags]` of padded ids."""

    train: Callable[[], object]
    probabilities: Callable[[np.ndarray], np.ndarray] | None = None  # None of another network


def run(options: argparse.Namespace) -> None:
    keras.utils.set_random_seed(0)
    tagged = read_tagged(options.file, options.column) if options.file else spoken_requests()
    tagged = Tagged(tagged.sentences[: options.sentences], tagged.tags[: options.sentences])
    with_torch = installed("PyTorch", "torch")
    lengths = np.array([len(one) for one in tagged.sentences])
    words, tags = (len({one for row in rows for one in row}) for rows in tagged)
    print(f"{len(lengths)} sentences, of {lengths.mean():.1f} tokens and at most {lengths.max()}; {words} words")
    print(f"{tags} tags; {options.repeat} turns; {machine()}")
    seconds = in_turns({name: one.train for name, one in contenders(tagged, with_torch).items()}, options.repeat)

    def faster(name: str, other: str) -> float:
        return float(np.median(seconds[other] / seconds[name]))

    columns = {"times Keras": KERAS, **({"times PyTorch": PYTORCH} if with_torch else {})}
    print(f"\n{'':46s}{'tokens a second':>16s}" + "".join(f"{column:>16s}" for column in columns))
    for name, times in seconds.items():
        ratios = "".join(f"{faster(name, other):16.2f}" for other in columns.values())
        print(f"{name:46s}{lengths.sum() / np.median(times):16.0f}{ratios}")
    print("\nThe same network takes as TextTagger")
    print(f"{faster(OURS, KERAS):.2f} times the tokens of the Keras recipe (goal: 1.5 or more)")
    if with_torch:
        print(f"{faster(OURS, PYTORCH):.2f} times the tokens of PyTorch (goal: 1.2 or more)")
    for adds, name, other, goal in (("The CRF", CRF, OURS, " (goal: 25 or less)"), ("Spelling", SPELLING, CRF, "")):
        print(f"{adds} adds {100 * np.median(seconds[name] / seconds[other] - 1):.0f} % to a step{goal}.")


def contenders(tagged: Tagged, with_torch: bool) -> dict[str, Run]:
    """The ways to train, by name; those of one network have the same weights, and give the same probabilities."""
    model, with_crf, with_spelling = (
        tagger(tagged, crf=crf, spelling=spelling) for crf, spelling in ((False, False), (True, False), (True, True))
    )
    words, tags, _ = model.rows(*tagged)
    ids, tags = Ragged(words.values[:, 0], words.lengths).padded(), tags.padded()
    batches, spelled = similar(model, tagged), similar(with_spelling, tagged)
    plain = batches.map(lambda rows, tags: (rows[:, :, 0], tags)).prefetch(tf.data.AUTOTUNE)
    weights = [weight.numpy() for weight in model.trainable_variables]
    peer = recipe(model, EMBEDDING_SIZE, UNITS, len(model.field_out.tags), adam(), at_every_step=True)
    for variable, weight in zip(peer.trainable_variables, weights, strict=True):
        variable.assign(weight)

    def probabilities(rows: np.ndarray) -> np.ndarray:
        return peer(rows).numpy()

    runs = {
        KERAS: Run(lambda: peer.fit(ids, tags, batch_size=BATCH_SIZE, verbose=0), probabilities),
        OURS: Run(
            lambda: model.fit(batches, verbose=0), lambda rows: tf.nn.softmax(model(rows[:, :, np.newaxis])).numpy()
        ),
        CRF: Run(lambda: with_crf.fit(batches, verbose=0)),
        SPELLING: Run(lambda: with_spelling.fit(spelled, verbose=0)),
    }
    if with_torch:
        runs[PYTORCH] = _pytorch(weights, lambda: at_random(ids, tags))
    runs[KERAS + SIMILAR] = Run(lambda: peer.fit(plain, shuffle=False, verbose=0), probabilities)
    if with_torch:
        held = [(rows.copy(), tags.copy()) for rows, tags in plain.as_numpy_iterator()]
        runs[PYTORCH + SIMILAR] = _pytorch(weights, lambda: held)
    first = ids[:BATCH_SIZE]
    answers = {name: one.probabilities(first)[first > 0] for name, one in runs.items() if one.probabilities}
    for name, found in answers.items():
        if not np.allclose(found, answers[OURS], atol=1e-4):
            raise RuntimeError(f"{name} computes something else than {OURS}.")
    return runs


def tagger(tagged: Tagged, crf: bool, spelling: bool) -> TextTagger:
    """Ours, in the sizes of all."""
    model = TextTagger.from_data(
        *tagged,
        units=UNITS,
        embedding_size=EMBEDDING_SIZE,
        word_dropout=0.0,
        dropout=0.0,
        crf=crf,
        spelling=spelling,
    )
    model.compile(adam())
    return model


def similar(model: TextTagger, tagged: Tagged) -> tf.data.Dataset:
    """What `fit` makes of sentences: batches of similar length, in another order each pass."""
    return model.prepare_data(*tagged, training=True, batch_size=BATCH_SIZE, shuffle=True).x.dataset()


def at_random(ids: np.ndarray, tags: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows in random batches, each cut to its longest."""
    order = np.random.permutation(len(ids))
    for first in range(0, len(ids), BATCH_SIZE):
        rows = order[first : first + BATCH_SIZE]
        longest = np.count_nonzero(ids[rows], axis=1).max()
        yield ids[rows, :longest], tags[rows, :longest]


def adam() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(RATE, epsilon=EPSILON)


def _pytorch(weights: list[np.ndarray], batches: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]]) -> Run:
    """The same network with packed sequences, with a training loop as PyTorch's users write it."""
    import torch
    from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

    embedding, layers, dense, optimizer = in_pytorch(weights, len(UNITS), adam(), bidirectional=True)

    def pack(rows: np.ndarray, ids: np.ndarray) -> PackedSequence:
        lengths = torch.from_numpy(np.count_nonzero(ids, axis=1))
        return pack_padded_sequence(torch.from_numpy(rows), lengths, batch_first=True, enforce_sorted=False)

    def scores(ids: np.ndarray) -> PackedSequence:
        packed = pack(ids, ids)
        states, _ = layers(packed._replace(data=embedding(packed.data)))
        return states._replace(data=dense(states.data))

    def train() -> None:
        loss_sum = right = 0
        for ids, tags in batches():
            found, seen = scores(ids).data, pack(tags, ids).data.long()
            loss = torch.nn.functional.cross_entropy(found, seen)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
            right += (found.argmax(dim=1) == seen).sum()
        float(loss_sum), int(right)

    def probabilities(ids: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            packed = scores(ids)
            found, _ = pad_packed_sequence(packed, batch_first=True, total_length=ids.shape[1])
            return found.softmax(dim=2).numpy()

    return Run(train, probabilities)
