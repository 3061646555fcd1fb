"""The part of `rnn-tf train tags` that trains and reports."""

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence

import rnn_tf
from rnn_tf.commands.progress import PrintEpoch, StopByAccuracy, checkpoint_folder, say_that_it_compiles
from rnn_tf.commands.train_tags import TagTask, column_of
from rnn_tf.commands.train_text import shortened
from rnn_tf.evaluation import SpanConfusion, span_report
from rnn_tf.models.tagger import TaggedText

PATIENCE = 5  # epochs without a higher accuracy on the held-back part
LINES = 5  # of confusions, and of mistakes


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
    best = StopByAccuracy(PATIENCE)
    rnn_tf.Trainer(model).fit(
        fitted.sentences,
        column_of(fitted),
        batch_size=options.batch,
        epochs=options.epochs,
        validation_data=(held_back.sentences, column_of(held_back)),
        callbacks=[best, PrintEpoch(always=True)],
        verbose=0,
        checkpoint=checkpoint_folder(options),
    )
    return model, f"; the weights of epoch {best.epoch} are kept"


def report(model: rnn_tf.TextTagger, task: TagTask, options: argparse.Namespace) -> None:
    """The table, the comparison with the most frequent tag of each word, confusions, and mistakes."""
    fitted, _, test = task
    scores = model.report(test.sentences, column_of(test))
    print(scores)
    usual = usual_tags(fitted)
    plain = span_report(test.tags, [[usual[token] for token in row] for row in test.sentences], scheme=scores.scheme)
    ours, theirs = (one.token_accuracy if one.f1 is None else one.f1 for one in (scores, plain))
    told = "beats it" if ours.low > theirs.value else "does not beat it for certain"
    measure = "token accuracy" if scores.f1 is None else "F1"
    print(f"\nThe most frequent tag of each word has {measure} {theirs}: the network {told}")
    print("\nThe most frequent confusions" + ("" if scores.confusions else ": none"))
    for confusion in scores.confusions[:LINES]:
        print(f"{confusion.spans:5d}  {what_happens(confusion)}")
    mistakes = confident_mistakes(test, model.tag(test.sentences))[:LINES]
    print("\nThe most confident mistakes" + ("" if mistakes else ": none"))
    for probability, token, answer, right, sentence in mistakes:
        print(f"  {token} {answer} {probability:.2f}, truth {right}: {shortened(sentence)}")
    print()


def what_happens(confusion: SpanConfusion) -> str:
    if confusion.answer is None:
        return f"{confusion.truth} missed"
    if confusion.truth is None:
        return f"{confusion.answer} made up"
    return f"{confusion.truth} taken for {confusion.answer}"


def confident_mistakes(
    test: rnn_tf.data.Tagged, answers: Sequence[TaggedText]
) -> list[tuple[float, str, str, str, str]]:
    """Of each sentence the wrong answer that the model is surest of, those first that it is surest of.

    Probability, token or "intent", answer, truth, and the sentence.
    """
    mistakes = []
    for row, answer in enumerate(answers):
        tokens = test.sentences[row]
        told = list(zip(answer.probabilities, tokens, answer.tags, test.tags[row], strict=True))
        if test.intents is not None:
            told.append((answer.intent_probability or 0.0, "intent", answer.intent or "", test.intents[row]))
        wrong = [one for one in told if one[2] != one[3]]
        if wrong:
            mistakes.append((*max(wrong), " ".join(tokens)))
    return sorted(mistakes, key=lambda one: -one[0])


def usual_tags(tagged: rnn_tf.data.Tagged) -> dict[str, str]:
    """The most frequent tag of each word; of others that of all words."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for tokens, tags in zip(tagged.sentences, tagged.tags, strict=True):
        for token, tag in zip(tokens, tags, strict=True):
            counts[token][tag] += 1
    ((most, _),) = sum(counts.values(), Counter()).most_common(1)
    return defaultdict(lambda: most, {token: found.most_common(1)[0][0] for token, found in counts.items()})
