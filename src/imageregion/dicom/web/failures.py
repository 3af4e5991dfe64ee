"""Failures: what went wrong with a request, told without secrets."""

from __future__ import annotations

from imageregion.errors import InputError

__all__ = ["FetchError"]


class FetchError(InputError):
    """A request that came to nothing.

    Parameters
    ----------
    url : str
        As shown to people.
    message : str
    status : int, optional
        HTTP status of the answer, if there was one.
    passing : bool
        Whether the same request may do better a moment later.
    """

    def __init__(
        self, url: str, message: str, status: int | None = None, *, passing: bool = False
    ) -> None:
        super().__init__(f"{url}: {message}")
        self.url, self.message, self.status, self.passing = url, message, status, passing

    def __reduce__(self) -> tuple[type[FetchError], tuple[str, str, int | None]]:
        return FetchError, (self.url, self.message, self.status)
