"""What was read before, in the user's cache folder. docs/cache.md says what that means for trust."""

from imgaudit.cache.cache import Cache, open_cache
from imgaudit.cache.stored import Charges, StoredLayer

__all__ = ["Cache", "Charges", "StoredLayer", "open_cache"]
