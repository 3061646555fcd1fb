"""What a model does with the data of `fit` before the first step."""

from abc import abstractmethod
from typing import Any, NamedTuple


class Prepared(NamedTuple):
    """What `fit` hands on: arrays of numbers, or a `tf.data.Dataset` of batches, where x is all there is."""

    x: Any
    y: Any = None
    sample_weight: Any = None
    class_weight: dict[int, float] | None = None


class PreparesData:
    """Base class of the models whose `prepare_data` `Trainer.fit` calls.

    A model of a user's own may have a method of this name that means something else.
    """

    @abstractmethod
    def prepare_data(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        *,
        training: bool,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int | None = None,
    ) -> Prepared:
        """Check and convert data; with `training`, learn from them what must be learned before the first step."""
