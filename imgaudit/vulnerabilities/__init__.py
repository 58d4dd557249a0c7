"""Known vulnerabilities of what an image holds: OSV data matched by module, version, platform and function.

folder, zip file, URL -> Files -> Database -> entries;  Image + entries + functions -> Vulnerabilities
"""

from imgaudit.vulnerabilities.databases import open_database
from imgaudit.vulnerabilities.functions import ProgramFunctions
from imgaudit.vulnerabilities.interface import Database
from imgaudit.vulnerabilities.lookup import look_up
from imgaudit.vulnerabilities.symbols import Symbols, read_symbols

__all__ = ["Database", "ProgramFunctions", "Symbols", "look_up", "open_database", "read_symbols"]
