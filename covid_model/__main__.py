"""`python -m covid_model`: see `covid_model.cli`."""

import sys

from covid_model.cli.main import main

sys.exit(main())
