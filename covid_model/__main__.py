"""`python -m covid_model`: the command line of `covid_model.cli`."""

import sys

from covid_model.cli.main import main

sys.exit(main())
