"""From sentences to a tag for each token, to spans, and to what the whole sentence asks for."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.fields.columns import as_column
from rnn_tf.fields.labels import label_names, learn_classes
from rnn_tf.fields.tag_schemes import scheme_of
from rnn_tf.fields.tags import UNKNOWN, Tags, tag_lists
from rnn_tf.fields.words import Words, cut_sentences, learn_words
from rnn_tf.models.encoder import Encoder
from rnn_tf.models.tag_head import TagHead
from rnn_tf.models.tagger import Tagger
from rnn_tf.training.batches import Batches, Ragged
from rnn_tf.training.preparation import Prepared

LEARNING_RATE = 8e-3  # of Adam: by the validation parts of ATIS and of `rnn_tf.data.requests()`


@keras.saving.register_keras_serializable(package="rnn_tf")
class TextTagger(Tagger):
    """Sentences to a tag for each token, and to an intent of the whole sentence where there are `intents`.

        x_t = [E[word_t]; GRU(characters of word_t)]
        h_t = [LSTM forward; LSTM backward]
        p(y) = softmax over all paths of Σ_t (W h_t + b)[y_t] + Σ_t A[y_{t-1}, y_t]

    `TextTagger.from_data(sentences, tags)` makes one. Then `fit`, `evaluate`, `predict` and `Trainer.fit` take
    sentences as lists of tokens, or as strings with spaces between tokens, and tags likewise. With intents the second
    column is `{"tags": tags, "intent": intents}`, and the loss is the sum of both: -log p(y) per token, and the
    cross-entropy of the intent.

    Args:
        vocabulary: List of words in lower case; the first has id 2.
        tags: List of the names of the tags.
        units: Positive integer, or a list of them for several layers. Not with cells of your own.
        intents: List of the names of the intents, or None.
        scheme: `"bio"` or `"iobes"`, or None for tags that mark no spans.
        tokens: Where strings are cut: `"spaces"`, or `"words"` for text that nobody cut, in Chinese each character.
        characters: String of the characters that are known, or "" to read words alone.
        embedding_size: Positive integer, length of a word's vector.
        character_units: Positive integer, units of the layer that reads characters, in each direction.
        word_dropout: Fraction of the words to replace by the unknown one in training.
        crf: Whether neighbouring tags have scores A; without, each tag is chosen by itself.
        well_formed: `"answers"`: what the scheme forbids, such as I-city after O, is shut out of answers;
            `"training"`: of training, too; None: of neither.
        cell: As `TextClassifier`.
        bidirectional: Whether each layer also reads from the end.
        dropout: Fraction to drop in training of each layer's inputs, and of the states that tags are read from.
        recurrent_dropout: Fraction of the state to drop in training.
        activation: σ of the cells.
        shards: See `rnn_tf.RNN`.
        **kwargs: `name` and `dtype` of `keras.Model`.

    Call arguments:
        inputs: Integer tensor `[batch, tokens, 1 + characters]`, padded by 0, as
            `tagger.field_in.rows(sentences).padded()` gives it.
        training: Whether dropout is active.

    Returns:
        Scores `[batch, tokens, tags]`, or with intents a dict of them and of the intents' probabilities. `predict`
        gives probabilities, and `tag` names.

    Raises:
        ValueError: If an argument is out of its range, a sentence and its tags differ in number, or a tag in training
            is unknown.

    Sources: the network, G. Lample et al. (2016), "Neural architectures for named entity recognition", NAACL; tags and
    intents in one, B. Liu and I. Lane (2016), "Attention-based recurrent neural network models for joint intent
    detection and slot filling", Interspeech.

    Example:
    >>> from rnn_tf import TextTagger
    >>> sentences = ["wake me at nine", "wake me at ten tomorrow"] * 8
    >>> tags = ["O O O B-time", "O O O B-time B-date"] * 8
    >>> tagger = TextTagger.from_data(sentences, tags, units=8)
    >>> history = tagger.fit(sentences, tags, epochs=2, verbose=0)
    >>> [answer.tokens for answer in tagger.tag(["wake me at six"])]
    [['wake', 'me', 'at', 'six']]
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        tags: Sequence[str],
        units: int | Sequence[int] | None = None,
        *,
        intents: Sequence[Any] | None = None,
        scheme: str | None = None,
        tokens: str = "spaces",
        characters: str = "",
        embedding_size: int = 100,
        character_units: int = 25,
        word_dropout: float = 0.0,
        crf: bool = True,
        well_formed: str | None = "answers",
        cell: Any = "lstm",
        bidirectional: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        activation: Any = "tanh",
        shards: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.field_in = Words(
            type(self).__name__,
            vocabulary,
            characters,
            embedding_size,
            character_units,
            word_dropout,
            tokens,
            name="field_in",
            dtype=self.dtype_policy,
        )
        self.field_out = Tags(tags, scheme, intents, name="field_out", dtype=self.variable_dtype)
        self.encoder = Encoder.at_every_step(
            units, cell, bidirectional, activation, dropout, recurrent_dropout, shards, self.dtype_policy
        )
        self.head = TagHead(
            self.field_out.scheme,
            len(intents or ()),
            bidirectional,
            dropout,
            crf,
            well_formed,
            name="head",
            dtype=self.dtype_policy,
        )
        names = ["accuracy"] + ["intent_accuracy"] * (intents is not None)
        self.accuracies = [keras.metrics.Mean(name=name) for name in names]

    @classmethod
    def from_data(
        cls,
        sentences: Any,
        tags: Any,
        intents: Any = None,
        *,
        scheme: str | None = "auto",
        tokens: str = "spaces",
        vocabulary_size: int = 50_000,
        min_count: int = 1,
        spelling: bool = True,
        units: int | Sequence[int] | None = None,
        cell: Any = "lstm",
        word_dropout: float = 0.05,
        dropout: float = 0.5,
        **arguments: Any,
    ) -> "TextTagger":
        """A tagger of the words, the tags and the intents that occur; not trained yet, compiled with Adam.

        Args:
            sentences: Lists of tokens, or strings with spaces between tokens.
            tags: Lists of tags, one a token, or strings with spaces between tags.
            intents: One a sentence, or None.
            scheme: As in the class; "auto" tells it from the tags.
            tokens: As in the class.
            vocabulary_size: Positive integer, how many words to know at most: the most frequent.
            min_count: Positive integer, how often a word must occur to be known.
            spelling: Whether to read the characters of words, too.
            units: As in the class; 100 if neither units nor a cell of your own are given.
            cell: As in the class.
            word_dropout: As in the class. It also teaches what an unknown word is.
            dropout: As in the class.
            **arguments: The others of the class.

        Raises:
            ValueError: If a sentence is empty, or its tags differ from it in number.
        """
        words = [token for one in cut_sentences(sentences, tokens) for token in one.tokens]
        vocabulary, characters = learn_words(words, vocabulary_size, min_count)
        found = sorted({tag for row in tag_lists(tags) for tag in row}, key=lambda tag: (tag != "O", tag))
        model = cls(
            vocabulary,
            found,
            100 if units is None and isinstance(cell, str) else units,
            intents=None if intents is None else learn_classes(intents),
            scheme=scheme_of(found) if scheme == "auto" else scheme,
            tokens=tokens,
            characters=characters if spelling else "",
            cell=cell,
            word_dropout=word_dropout,
            dropout=dropout,
            **arguments,
        )
        model.rows(sentences, tags if intents is None else {"tags": tags, "intent": intents})
        model.compile(keras.optimizers.Adam(LEARNING_RATE))
        model.build((None, None, None))
        return model

    def rows(self, x: Any, y: Any = None, sample_weight: Any = None) -> tuple[Any, Any, Any]:
        """The three columns, checked once: each token must have a tag."""
        x, y, sample_weight = super().rows(x, y, sample_weight)
        if y is not None:
            tags = y if isinstance(y, Ragged) else y["tags"]
            (unlike,) = np.nonzero(x.lengths != tags.lengths)
            if unlike.size:
                row = unlike[0]
                raise ValueError(
                    f"Each token must have one tag. Received: {x.lengths[row]} tokens and {tags.lengths[row]} tags in "
                    f"sentence {row}, and {unlike.size - 1} more like it. Are its tokens separated by single spaces?"
                )
        return x, y, sample_weight

    def prepare_data(self, x: Any, y: Any = None, *columns: Any, training: bool, **options: Any) -> Prepared:
        """As of every task; and it says what is odd about the tags, before the first step."""
        prepared = super().prepare_data(x, y, *columns, training=training, **options)
        if isinstance(prepared.x, Batches):
            targets = prepared.x.columns[1]
            tags = targets if isinstance(targets, Ragged) else targets["tags"]
            unknown = self._unknown(y)
            if unknown and training:
                raise ValueError(
                    f"Tags and intents must be those that the tagger knows. Received: {', '.join(unknown)}. Make a "
                    "tagger of all of them, as TextTagger.from_data does."
                )
            if unknown:
                warnings.warn(
                    f"Training never had {', '.join(unknown)}. What has them counts as wrong, and has no part in the "
                    "loss.",
                    stacklevel=3,
                )
            scheme, outside = self.field_out.scheme, len(self.field_out.tags)
            parted = np.insert(tags.values, np.cumsum(tags.lengths)[:-1], outside)
            if training and scheme.kind is not None and (count := scheme.ill_formed(parted)):
                warnings.warn(
                    f"{count} of {len(tags.values)} tags follow one that they cannot follow, such as an I- without its "
                    "B-. They are learned as they are.",
                    stacklevel=3,
                )
        return prepared

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """-log p(tags) per token, and the cross-entropy of the intent; the accuracies are counted on the way."""
        tags, scores = (y, y_pred) if self.head.intent is None else (y["tags"], y_pred["tags"])
        mask = self.field_in.steps(x)
        known = mask & (tags != UNKNOWN)
        losses, found = self.head.tag_loss(scores, tf.maximum(tags, 0), mask)
        right = known & (tf.argmax(found, axis=2, output_type=tags.dtype) == tags)
        whole = tf.reduce_all(known | ~mask, axis=1)
        weight = tf.cast(whole, losses.dtype)
        if sample_weight is not None:
            sample_weight = tf.reshape(tf.cast(sample_weight, losses.dtype), [-1])  # one a sentence
            weight *= sample_weight
        steps = tf.cast(mask, losses.dtype)
        loss = tf.math.divide_no_nan(tf.reduce_sum(losses * weight), tf.reduce_sum(steps))
        self.accuracies[0].update_state(tf.cast(right, losses.dtype), sample_weight=steps)
        if self.head.intent is not None:
            intent, found = tf.cast(y["intent"], tf.int64), y_pred["intent"]
            errors = keras.losses.sparse_categorical_crossentropy(tf.maximum(intent, 0), found)
            errors = tf.where(intent == UNKNOWN, tf.zeros_like(errors), errors)
            loss += tf.reduce_mean(errors if sample_weight is None else errors * sample_weight)
            self.accuracies[1].update_state(tf.argmax(found, axis=1) == intent)
        return loss + tf.add_n([tf.cast(one, loss.dtype) for one in self.losses]) if self.losses else loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The accuracies that `compute_loss` counted."""
        return self.get_metrics_result()

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: `compute_loss` leaves out what is padding."""

    def _unknown(self, y: Any) -> list[str]:
        """The tags and the intents that training never had."""
        tags, intents = self.field_out.split(y)
        unknown = {tag for row in tags for tag in row} - set(self.field_out.tags)
        if intents is not None:
            unknown |= set(label_names(as_column("intent", intents))) - set(self.field_out.intents or ())
        return sorted(unknown)
