"""`python sample_images/claims` and `python -m sample_images.claims`."""

import pathlib
import sys

if not __package__:  # started by its folder: then that folder, and not the repository, leads the module path
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[2])

from sample_images.claims.command import main

sys.exit(main())
