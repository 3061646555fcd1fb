"""The part of `rnn-tf train language` that trains and reports."""

import argparse

import keras

import rnn_tf
from rnn_tf.commands.progress import PrintPerplexity, best_epoch, checkpoint_folder, say_that_it_compiles
from rnn_tf.commands.train_language import LanguageTask, bits_of_xz


def train(task: LanguageTask, options: argparse.Namespace) -> tuple[rnn_tf.LanguageModel, str]:
    model = rnn_tf.LanguageModel.from_text(
        task.fitted,
        options.tokens,
        vocabulary_size=options.vocabulary,
        units=[options.units] * options.layers,
        cell=options.cell,
        dropout=options.dropout,
        steps=options.steps,
    )
    steps = options.epochs * model.steps_an_epoch(task.fitted, options.batch)
    rate = keras.optimizers.schedules.CosineDecay(options.rate, steps)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
    layers = f", {options.layers} layers" if options.layers > 1 else ""
    print(f"\n{options.cell} with {options.units} units{layers}, {len(model.vocabulary)} {options.tokens} known")
    say_that_it_compiles()
    best = keras.callbacks.EarlyStopping("val_loss", patience=options.epochs, restore_best_weights=True)
    history = rnn_tf.Trainer(model).fit(
        task.fitted,
        batch_size=options.batch,
        epochs=options.epochs,
        validation_data=task.held_back,
        callbacks=[best, PrintPerplexity()],
        verbose=0,
        checkpoint=checkpoint_folder(options),
    )
    return model, f"; the weights of epoch {best_epoch(history.history)} are kept"


def report(model: rnn_tf.LanguageModel, task: LanguageTask, options: argparse.Namespace) -> None:
    """Perplexity, bits a character beside those of xz, and a page of what it writes."""
    bits, plain = model.bits_per_character(task.test), bits_of_xz(task)
    print(f"the test, read in one go: perplexity {model.perplexity(task.test):.2f} over {options.tokens}")
    print(f"  {bits:.3f} bits a character; xz, having read the same, needs {plain:.3f}")
    print(f"\n{model.generate('', 300, temperature=0.8, seed=options.seed).strip()}\n")
