"""Other model servers with the same model, and other models, for ``make bench ARGS=peers``.

Each follows its documentation, in an environment of its own, with the versions of
``requirements/peers``. Usage reports are turned off.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tests.benchmarks.corpus import ROOT, joined_bodies, open_inference_bodies
from tests.benchmarks.targets import SERVERS, Target
from tests.benchmarks.trained import TRAINED

_VENVS: Final = ROOT / ".venv"
_V2_PATH: Final = "/v2/models/topics/infer"


def _peer(
    name: str,
    venv: str,
    module: str,
    environment: Mapping[str, str] | None = None,
    path: str = "/classify",
    bodies: Callable[[], Sequence[bytes]] = joined_bodies,
    arguments: tuple[str, ...] = (),
) -> Target:
    return Target(
        name,
        ["python", "-m", f"{SERVERS}.peers.{module}", "{port}", *arguments],
        environment or {},
        python=_VENVS / f"peers-{venv}" / "bin" / "python",
        path=path,
        bodies=bodies,
    )


PEERS: Final[tuple[Target, ...]] = (
    _peer("LitServe", "litserve", "litserve_server", path="/predict"),
    _peer(
        *("MLServer", "mlserver", "mlserver_runtime"),
        path=_V2_PATH,
        bodies=open_inference_bodies,
        arguments=("1",),
    ),
    _peer(
        *("MLServer, no parallel worker", "mlserver", "mlserver_runtime"),
        path=_V2_PATH,
        bodies=open_inference_bodies,
        arguments=("0",),
    ),
    _peer(
        "BentoML",
        "bentoml",
        "bentoml_service",
        {
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTOML_HOME": str(_VENVS / "peers-bentoml" / "home"),  # else the user's own
        },
    ),
    _peer(
        "Ray Serve",
        "ray",
        "ray_serve_app",
        {
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
            "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",  # of use behind HAProxy only
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else its daemons listen on every interface
            "RAY_USAGE_STATS_ENABLED": "0",
        },
        path="/",
    ),
    _peer("FastAPI + Keras predict", "keras", "keras_predict"),
    *(
        _peer(f"FastAPI + {trained.name}", venv, f"fastapi_{venv}", arguments=(str(trained.model),))
        for venv, trained in TRAINED.items()
    ),
)
