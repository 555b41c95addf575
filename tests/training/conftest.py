import pandas as pd
import pytest
from small_runs import noisy_table


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The rows of 24 drawn images."""
    return noisy_table(tmp_path_factory.mktemp("images"))
