"""The part of `rnn-tf train tags` that trains and reports."""

import argparse
from collections import Counter, defaultdict

import keras

import rnn_tf
from rnn_tf.commands.progress import PrintEpoch, best_epoch, say_that_it_compiles
from rnn_tf.commands.train_tags import TagTask, column_of
from rnn_tf.evaluation import span_report

PATIENCE = 5  # epochs without a smaller loss on the held-back part


def train(task: TagTask, options: argparse.Namespace) -> tuple[rnn_tf.TextTagger, str]:
    fitted, held_back, _ = task
    model = rnn_tf.TextTagger.from_data(
        fitted.sentences,
        fitted.tags,
        fitted.intents,
        tokens=options.tokens or ("spaces" if options.file else "words"),
        units=[options.units] * options.layers,
        cell=options.cell,
        dropout=options.dropout,
    )
    model.optimizer.learning_rate = options.rate
    print(f"\n{options.cell} with {options.units} units both ways, {len(model.field_in.vocabulary)} words known")
    say_that_it_compiles()
    history = model.fit(
        fitted.sentences,
        column_of(fitted),
        batch_size=options.batch,
        epochs=options.epochs,
        validation_data=(held_back.sentences, column_of(held_back)),
        callbacks=[
            keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True),
            PrintEpoch(always=True),
        ],
        verbose=0,
    ).history
    return model, f"; the weights of epoch {best_epoch(history)} are kept"


def report(model: rnn_tf.TextTagger, task: TagTask, options: argparse.Namespace) -> None:
    """The table, the comparison with the most frequent tag of each word, and mistakes."""
    fitted, _, test = task
    scores = model.report(test.sentences, column_of(test))
    print(scores)
    usual = usual_tags(fitted)
    plain = span_report(test.tags, [[usual[token] for token in row] for row in test.sentences], scheme=scores.scheme)
    ours, theirs = (one.token_accuracy if one.f1 is None else one.f1 for one in (scores, plain))
    told = "beats it" if ours.low > theirs.value else "does not beat it for certain"
    measure = "token accuracy" if scores.f1 is None else "F1"
    print(f"\nThe most frequent tag of each word has {measure} {theirs}: the network {told}")
    print("\nThe worst mistakes" + ("" if scores.mistakes else ": none"))
    for mistake in scores.mistakes[:5]:
        wrong = ", ".join(
            f"{test.sentences[mistake.sentence][place]} {answer}, truth {truth}"
            for place, truth, answer in mistake.tags[:4]
        )
        print(f"  {' '.join(test.sentences[mistake.sentence])[:90]}: {wrong}")
    print()


def usual_tags(tagged: rnn_tf.data.Tagged) -> dict[str, str]:
    """The most frequent tag of each word; of others that of all words."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for tokens, tags in zip(tagged.sentences, tagged.tags, strict=True):
        for token, tag in zip(tokens, tags, strict=True):
            counts[token][tag] += 1
    ((most, _),) = sum(counts.values(), Counter()).most_common(1)
    return defaultdict(lambda: most, {token: found.most_common(1)[0][0] for token, found in counts.items()})
