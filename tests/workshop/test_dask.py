"""A sweep on a real Dask scheduler and two worker processes."""

import pytest

from aelib import AelibError, zoo
from aelib.optim import Recipe
from aelib.workshop import experiments, sweep
from aelib.workshop.experiments import Experiment

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


def cluster(**options):
    return distributed.LocalCluster(dashboard_address=None, **options)


def test_two_workers_give_what_one_process_gives(tmp_path, monkeypatch):
    line = Experiment("tiny/2", Recipe(1, 500, adam_lr=1e-3), 2, only=1, seeds=(0, 1))
    monkeypatch.setattr(experiments, "EXPERIMENTS", {line.name: line})
    found = []
    with cluster(n_workers=2, threads_per_worker=1) as two:
        for address in (None, two.scheduler_address):
            folder = tmp_path / str(len(found))
            monkeypatch.setattr(zoo, "CHECKPOINTS", folder / "checkpoints")
            monkeypatch.setenv("AELIB_CACHE", str(folder / "cache"))
            assert sweep.train(dask=address, measure=False) == [("tiny/2", 0), ("tiny/2", 1)]
            records = [zoo.record("tiny/2", seed) | {"seconds": 0} for seed in line.seeds]
            found.append((records, [path.read_bytes() for path in sorted(folder.rglob("*.pt"))]))
    assert found[0] == found[1] and len(found[0][1]) == 2


def test_workers_with_threads_are_refused_with_the_remedy():
    remedy = pytest.raises(AelibError, match="dask worker --nthreads 1")
    with cluster(n_workers=1, threads_per_worker=2, processes=False) as threads, remedy:
        sweep.train(["latent/0"], dask=threads.scheduler_address)
