"""Fixtures that write a file of one format and read it."""

import pytest

from epigone.text.document import ReadOptions, ReadReport
from epigone.text.readers.paths import read_documents


@pytest.fixture
def read(tmp_path):
    def read(content, name="page.html", **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        report = ReadReport()
        documents = read_documents(path, ReadOptions(**options), report)
        return [(document.name, "".join(document.pieces)) for document in documents], report

    return read


@pytest.fixture
def text(read):
    def text(content, name="page.html", **options):
        [(found, text)], _ = read(content, name, **options)
        assert found == name
        return text

    return text
