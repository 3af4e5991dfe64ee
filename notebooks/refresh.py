"""Run every notebook of this folder in place, so that the outputs shown are those of this version.

Run: python notebooks/refresh.py
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient


def refresh(path: Path) -> None:
    """Execute one notebook and keep nothing of this machine but the outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=180, record_timing=False).execute()
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for found in sorted(Path(__file__).parent.glob("*.ipynb")):
        refresh(found)
