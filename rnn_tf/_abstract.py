"""Classes that are abstract or final: an error names what a subclass lacks when it is defined."""

from typing import Any


class Abstract:
    """Base of a class with abstract methods. A subclass that is abstract, too, says so by `abstract=True`.

    Example:
    >>> from abc import abstractmethod
    >>> from rnn_tf._abstract import Abstract
    >>> class Shape(Abstract, abstract=True):
    ...     @abstractmethod
    ...     def area(self): ...
    >>> class Square(Shape):
    ...     pass
    Traceback (most recent call last):
    TypeError: Square must define area.
    """

    needs: tuple[str, ...] = ()  # attributes that a class that is not abstract must have

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names = () if abstract else sorted(dir(cls))
        missing = [name for name in names if getattr(getattr(cls, name, None), "__isabstractmethod__", False)]
        missing += [name for name in cls.needs if not abstract and not hasattr(cls, name)]
        if missing:
            raise TypeError(f"{cls.__name__} must define {', '.join(missing)}.")
