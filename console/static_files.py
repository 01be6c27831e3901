"""How the static files are collected: with hashed names, and compressed as far as it pays at a first start."""

import brotli
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

BROTLI_QUALITY = 6
"""Of 0 to 11. The highest makes the pages' files an eighth smaller and takes sixty times as long."""
UNUSED = ("htmx-4*", "htmax-*", "htmx-2.js", "ext", "account", "mfa")
"""What django-htmx brings besides the one file that pages load: other versions, extensions; scripts of allauth's own
pages."""


class QuickCompressor(Compressor):
    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return brotli.compress(data, quality=BROTLI_QUALITY)


class StaticFiles(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True
    """Scripts import others by their hashed names too: by another name a script would be loaded, and act, twice."""

    def create_compressor(self, **options) -> Compressor:
        return QuickCompressor(**options)
