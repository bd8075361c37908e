"""Small EPUBs, written by hand."""

import zipfile

CONTAINER = """<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
ENCRYPTION = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod Algorithm="{}"/>
<enc:CipherData><enc:CipherReference URI="{}"/></enc:CipherData></enc:EncryptedData></encryption>"""


def package(*items, spine=None):
    """Write the package document of a book; `spine` selects and orders the parts to be read."""
    manifest = "".join(
        f'<item id="i{n}" href="{name}" media-type="{kind}" {more}/>' for n, (name, kind, more) in enumerate(items)
    )
    order = "".join(f'<itemref idref="i{n}"/>' for n in spine or range(len(items)))
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/>'
        f"<manifest>{manifest}</manifest><spine>{order}</spine></package>"
    )


XHTML = "application/xhtml+xml"


def write_book(path, parts, more=(), encryption=None):
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": package(*[(name, XHTML, "") for name in parts], *more),
        **{f"OPS/{name.replace('%20', ' ')}": text for name, text in parts.items()},
    }
    if encryption:
        files["META-INF/encryption.xml"] = encryption
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in files.items():
            book.writestr(name, text)


def page(text):
    return f'<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Songs</title></head><body>{text}</body></html>'
