"""``python -m imageregion`` is the ``imageregion`` command."""

from imageregion.cli import main

if __name__ == "__main__":
    main()
