"""python -m imgaudit"""

from imgaudit.cli.main import main

main()
